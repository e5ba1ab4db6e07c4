#!/usr/bin/env bash
# Judges random statements by the walker and by a server that refuses everything else, until
# one is found that the walker lets pass and the server does not, or somebody stops it.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

step 'looking for what is needed' scripts/setup.sh
step 'building skep' cargo build --locked
cargo test --locked --lib -- --ignored --exact sql::fuzz::for_ever --nocapture
