#!/usr/bin/env bash
# Everything that must hold before a change is merged. `make test` and CI run this.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

python=$cache/venv/bin/python

# All our items are private, so the docs of the crate may link to them.
check_docs() {
    RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --locked --no-deps --document-private-items
}

# Licences, bans and sources of dependencies need every crate, those of other platforms too.
check_dependencies() {
    if ! cargo fetch --locked --quiet; then
        echo 'skipped: not every dependency is here, and there is no network to fetch them'
        return
    fi
    cargo deny --locked --config .deny.toml check bans licenses sources
}

check_advisories() {
    if ! cargo deny --locked --config .deny.toml fetch db >/dev/null 2>&1; then
        echo 'skipped: the advisory database cannot be reached'
        return
    fi
    cargo deny --locked --config .deny.toml check --disable-fetch advisories
}

# Keeps a virtual environment with what the SDK's checks need, made again when that changes.
prepare_python() {
    local wanted=sdk-py/requirements-dev.txt kept=$cache/venv/requirements-dev.txt
    if cmp -s "$wanted" "$kept"; then
        return
    fi
    python3 -m venv --clear "$cache/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$wanted" ||
        fail "the Python tools were not installed; without a network, set PIP_FIND_LINKS to a folder with the wheels of $wanted"
    cp "$wanted" "$kept"
}

check_sdk() (
    cd sdk-py
    "$python" -m ruff check .
    "$python" -m ruff format --check .
    "$python" -m mypy
    "$python" -m pytest
)

# The crates that are not the server's: the compiled example, and a peer of the benchmark.
check_other_crates() {
    local manifest
    for manifest in examples/*/Cargo.toml benches/calls/peers/*/Cargo.toml; do
        cargo fmt --check --manifest-path "$manifest"
    done
    for manifest in examples/*/Cargo.toml; do
        CARGO_TARGET_DIR=$cache/guests cargo clippy --locked --manifest-path "$manifest" -- -D warnings
    done
}

check_js_sdk() {
    node --test sdk-js/tests/ examples/contacts/tests/
    sdk-js/node_modules/.bin/tsc -p sdk-js/tests/types/jsconfig.json
}

check_benchmark() {
    local rules=sdk-py/pyproject.toml
    "$python" -m ruff check --config "$rules" benches
    "$python" -m ruff format --check --config "$rules" benches
    for bench in calls dev jobs notify; do
        (cd "benches/$bench" && "$python" -m mypy --strict __main__.py)
    done
}

step 'looking for what is needed' scripts/setup.sh
claim_target
step 'format' cargo fmt --check
step 'clippy' cargo clippy --locked --all-targets -- -D warnings
step 'other crates' check_other_crates
step 'rustdoc' check_docs
step 'licences, bans and sources of dependencies' check_dependencies
step 'advisories' check_advisories
step 'tests' cargo nextest run --locked
step 'Python tools' prepare_python
step 'Python SDK' check_sdk
step 'JavaScript SDK' check_js_sdk
step 'benchmark' check_benchmark
step 'building skep' cargo build --locked
step 'examples' scripts/examples.sh
step 'pages in a browser' scripts/browser.sh
printf '\nall checks passed in %d s\n' "$SECONDS"
