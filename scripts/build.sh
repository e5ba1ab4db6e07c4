#!/usr/bin/env bash
# Builds the release, and puts the builders of components beside it.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

step 'looking for what is needed' scripts/setup.sh
claim_target
step 'building skep' cargo build --release --locked
builder=${SKEP_COMPONENTIZE_PY:-$(command -v componentize-py)}
ln -sf "$builder" "$CARGO_TARGET_DIR/release/componentize-py"
ln -sf "$(command -v componentize-js)" "$CARGO_TARGET_DIR/release/componentize-js"
printf '\n%s\n' "$CARGO_TARGET_DIR/release/skep"
