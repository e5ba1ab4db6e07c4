#!/usr/bin/env bash
# Tests the pages in Chromium, against a server of their own. What the pages look like is kept in
# tests/browser/screenshots. Arguments go to node's test runner: --test-name-pattern=deploy.
#
# SKEP_PAGES=src/ui/admin takes the pages from there instead of from the built program, for who
# writes them. SKEP_CHROMIUM names another browser.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

export SKEP=$CARGO_TARGET_DIR/debug/skep
SKEP_COMPONENTIZE_PY=${SKEP_COMPONENTIZE_PY:-$(command -v componentize-py)}
export SKEP_COMPONENTIZE_PY

if [[ ${SKEP_PAGES:-} ]]; then
    SKEP_PAGES=$(realpath "$SKEP_PAGES")
    export SKEP_PAGES
fi
cd tests/browser
node --test --test-reporter=spec "$@" all.test.js
