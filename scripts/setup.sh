#!/usr/bin/env bash
# Installs what building, testing and running Skep need, and says what and why.
# With everything there it changes nothing and takes less than a second. `setup.sh bench`
# also installs what only the benchmark needs.
#
# SKEP_BUILDER=wheel takes the builder of Python components from its Python wheel, in
# seconds, instead of compiling it. The compiled one needs no Python where it runs.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

nextest=0.9.143
deny=0.20.2
componentize_py=0.25.1

purpose=${1:-}
packages=()

# Notes a Debian package as missing, and says what for.
need() {
    printf 'missing: %s (Debian package %s)\n' "$2" "$1"
    packages+=("$1")
}

has() {
    command -v "$1" >/dev/null
}

find_missing_packages() {
    has cc || need build-essential "a C compiler and linker, for the crates that have C in them"
    has clang || need clang "clang, for the bindings of PostgreSQL's own parser"
    has make || need make "make, the front door of this repository"
    has git || need git "git, for the history and the advisory database"
    has curl || need curl "curl, to call the server from scripts"
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] ||
        need ca-certificates "the certificates that downloads are checked against"
    has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
        need postgresql "PostgreSQL's programs, of which Skep runs a server of its own"
    has node || need nodejs "Node.js, which builds components of JavaScript apps"
    has npm || need npm "npm, for the builder of JavaScript apps and the libraries that browsers are given"
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        need python3-venv "python3 with venv, for the tests of the Python SDK"
    [[ ${SKEP_CHROMIUM:-} ]] || has chromium || need chromium "Chromium, for the tests of the pages"
    [[ $purpose != bench ]] || has wrk || need wrk "wrk, which makes the load of the benchmark"
}

# The commands that only root may run. Debian would make a database cluster of its own and
# start it at every boot; Skep makes its own, so Debian is told not to.
root_commands() {
    echo 'export DEBIAN_FRONTEND=noninteractive'
    echo 'apt-get update -q'
    if [[ " ${packages[*]} " == *" postgresql "* ]]; then
        echo 'apt-get install -y --no-install-recommends postgresql-common'
        echo "sed -i 's/^#\\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf"
    fi
    echo "apt-get install -y --no-install-recommends ${packages[*]}"
}

install_packages() {
    local commands
    commands=$(root_commands)
    has apt-get ||
        fail "this system has no apt-get: install with its own tools what is missing above, and run this again"
    if [[ $(id -u) == 0 ]]; then
        bash -euc "$commands" || no_network
    elif has sudo; then
        echo 'asking sudo to install them'
        sudo bash -euc "$commands" || no_network
    else
        printf 'run this as root, and then this script again:\n\n%s\n\n' "$commands" >&2
        exit 1
    fi
}

no_network() {
    fail "the packages were not installed. Without a network, install them from a mirror or a medium: ${packages[*]}"
}

# Installs a cargo command of a fixed version, unless it is there.
cargo_tool() {
    local crate=$1 version=$2 why=$3
    # Not into our target folder: it would be rebuilt whenever either changes.
    env -u CARGO_TARGET_DIR cargo install --locked --root "$tools" "$crate" --version "$version" ||
        fail "$crate $version, $why, was not installed. Without a network, put the command into $tools/bin"
}

install_builder() {
    if [[ ${SKEP_BUILDER:-} != wheel ]]; then
        cargo_tool componentize-py "$componentize_py" "which builds components of Python apps"
        return
    fi
    python3 -m venv "$tools/componentize-py"
    "$tools/componentize-py/bin/pip" install -q "componentize-py==$componentize_py" ||
        fail "componentize-py $componentize_py was not installed; without a network, put the command into $tools/bin"
    mkdir -p "$tools/bin"
    ln -sf "$tools/componentize-py/bin/componentize-py" "$tools/bin/componentize-py"
}

# The packages that build JavaScript apps, at the versions and with the digests of their lock file.
install_js_builder() {
    local folder=$tools/componentize-js package=@bytecodealliance/componentize-js
    rm -rf "$folder"
    mkdir -p "$folder" "$tools/bin"
    cp sdk-js/builder/package.json sdk-js/builder/package-lock.json "$folder"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error ||
        fail "the packages of sdk-js/builder were not installed; without a network, name a registry in the setting \`registry\` of npm"
    ln -sf "$folder/node_modules/$package/src/cli.js" "$tools/bin/componentize-js"
    cp sdk-js/builder/package-lock.json "$folder/installed.json"
}

builder_is_there() {
    local builder=${SKEP_COMPONENTIZE_PY:-componentize-py}
    [[ $("$builder" --version 2>/dev/null) == "componentize-py $componentize_py" ]]
}

# Fetches the packages that a Python app of the tests vendors, again when their list changes.
fetch_wheels() {
    local wheels=$cache/wheels
    rm -rf "$wheels"
    mkdir -p "$wheels"
    python3 -m venv "$wheels/venv"
    "$wheels/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$wheels" \
        --only-binary :all: --platform any --python-version 3.14 -r tests/wheels.txt ||
        fail "the wheels of tests/wheels.txt were not fetched; without a network, set PIP_FIND_LINKS to a folder with them"
    rm -rf "$wheels/venv"
    cp tests/wheels.txt "$wheels/wheels.txt"
}

# Fetches the packages of npm that a folder's lock file names, unless they are there. None of
# their scripts runs. A registry other than npm's own is set in npm's own settings.
fetch_packages() {
    local folder=$1
    npm ci --prefix "$folder" --ignore-scripts ||
        fail "the packages of $folder were not fetched; without a network, copy node_modules of another clone into it"
    cp "$folder/package-lock.json" "$folder/node_modules/.fetched"
}

packages_are_there() {
    cmp -s "$1/package-lock.json" "$1/node_modules/.fetched"
}

find_missing_packages
if ((${#packages[@]} > 0)); then
    step 'installing Debian packages' install_packages
fi
has cargo ||
    fail "there is no cargo: install Rust with rustup (Debian 13 and later: apt-get install rustup, then rustup default stable)"
has cargo-nextest ||
    step 'installing cargo-nextest' cargo_tool cargo-nextest "$nextest" "which runs the tests"
has cargo-deny ||
    step 'installing cargo-deny' cargo_tool cargo-deny "$deny" "which checks licences and sources of dependencies"
builder_is_there ||
    step 'installing componentize-py (compiling it takes ten minutes or more, once)' install_builder
cmp -s sdk-js/builder/package-lock.json "$tools/componentize-js/installed.json" ||
    step 'installing componentize-js' install_js_builder
for folder in src/ui/vendor tests/browser sdk-js; do
    packages_are_there "$folder" ||
        step "fetching the packages of $folder" fetch_packages "$folder"
done
cmp -s tests/wheels.txt "$cache/wheels/wheels.txt" ||
    step 'fetching the Python packages that tests vendor' fetch_wheels
