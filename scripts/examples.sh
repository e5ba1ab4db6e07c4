#!/usr/bin/env bash
# Builds and deploys every example, and what `skep new` makes, to a server of its own, and calls each.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
source scripts/server.sh

skep=$CARGO_TARGET_DIR/debug/skep
scratch=$(mktemp -d)
# The embedded database may run as another user, which has to pass through.
chmod 711 "$scratch"
# The client keeps its login here and not among the developer's own.
export XDG_CONFIG_HOME=$scratch/config
export SKEP_ADMIN_PASSWORD=only-for-this-run

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

clean_up() {
    stop_server
    rm -rf "$scratch"
}

trap clean_up EXIT
for source in examples/*/Cargo.toml; do
    folder=${source%/Cargo.toml}
    scripts/build-rust-guest.sh "$folder" "$folder/component.wasm"
done

listen=127.0.0.1:$(free_port)
start_server "$skep" "$scratch/data" "$listen"
printf '%s' "$SKEP_ADMIN_PASSWORD" |
    "$skep" login "http://$listen" --username admin --password-stdin

for template in python dashboard job javascript; do
    "$skep" new "new-$template" --template "$template" --path "$scratch"
done
python3 scripts/examples.py "$skep" "$scratch"/new-*/ examples/*/
