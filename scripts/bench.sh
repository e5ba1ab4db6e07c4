#!/usr/bin/env bash
# Measures calls of apps against servers without a sandbox, and prints the table that is in
# docs/performance.md. Its arguments go to benches/calls: --rounds 1 for a quick look.
#
# It takes about seven minutes of a machine that does nothing else, after building.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

peers=benches/calls/peers
venv=$cache/bench-venv

build_axum_peer() {
    CARGO_TARGET_DIR=$cache/peers cargo build --release --locked --manifest-path "$peers/axum/Cargo.toml"
}

# Keeps a virtual environment with FastAPI, made again when what it needs changes.
prepare_fastapi_peer() {
    local wanted=$peers/fastapi/requirements.txt
    if cmp -s "$wanted" "$venv/requirements.txt"; then
        return
    fi
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" ||
        fail "FastAPI was not installed; without a network, set PIP_FIND_LINKS to a folder with the wheels of $wanted"
    cp "$wanted" "$venv/requirements.txt"
}

step 'looking for what is needed' scripts/setup.sh bench
step 'building skep' scripts/build.sh
step 'building the compiled app' scripts/build-rust-guest.sh examples/tally examples/tally/component.wasm
step 'building the axum server' build_axum_peer
step 'preparing FastAPI' prepare_fastapi_peer
step 'measuring' python3 benches/calls \
    --skep "$CARGO_TARGET_DIR/release/skep" \
    --axum-peer "$cache/peers/release/calls-peer" \
    --python "$venv/bin/python" \
    --component examples/tally/component.wasm \
    "$@"
