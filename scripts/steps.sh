# Sourced by the other scripts: where things are, and how steps are shown.
# shellcheck shell=bash
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repository"

# What is built and installed goes outside the repository, to be shared by all clones.
cache=${SKEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skep}
tools=$cache/tools
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export PATH="$tools/bin:$PATH"

# Makes what cargo builds this clone's. Cargo goes by the times of files, so what another clone
# built after ours was changed would pass for ours, with its contents and its paths.
claim_target() {
    local mark=$CARGO_TARGET_DIR/clone
    if [[ $(cat "$mark" 2>/dev/null) != "$repository" ]]; then
        touch src/ui/embed.rs src/lib.rs src/main.rs tests/it/main.rs
        mkdir -p "$CARGO_TARGET_DIR"
        printf '%s' "$repository" >"$mark"
    fi
}

# Shows a heading, runs the rest of its arguments, and shows how long it took.
step() {
    local heading=$1 start=$SECONDS
    shift
    printf '\n==> %s\n' "$heading"
    "$@"
    printf '    %s: %d s\n' "$heading" "$((SECONDS - start))"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
