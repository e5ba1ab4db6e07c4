#!/usr/bin/env bash
# Builds the component of an app in Rust: build-rust-guest.sh APP-FOLDER COMPONENT
#
# Takes rustup's target wasm32-wasip2, installed or installable. Where rustup reaches no
# network, but Debian's packages can be had, their compiler builds the standard library
# too, and rustup's own linker makes the component. SKEP_RUST_WEB=1 takes that way at once.
set -euo pipefail
app=$(realpath "$1") component=$(realpath -m "$2")
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

rust_web=$cache/rust-web
# Apart from the server's, because the two are built by different compilers.
export CARGO_TARGET_DIR=$cache/guests

has_target() {
    [[ -d $(rustc --print sysroot)/lib/rustlib/wasm32-wasip2/lib ]] ||
        rustup target add wasm32-wasip2
}

# Builds with the arguments given, and puts the component where it was asked for.
build() {
    local target=$1 name
    shift
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' "$app/Cargo.toml" | head -n 1)
    # The same component wherever it is built: no paths of this machine in its messages.
    export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$app=/app --remap-path-prefix=$rust_web=/rust"
    (cd "$app" && cargo build --release --locked --target "$target" "$@")
    # The server may be reading the one that is there.
    cp "$CARGO_TARGET_DIR/$target/release/${name//-/_}.wasm" "$component.new"
    mv "$component.new" "$component"
}

# Debian's compiler for browsers' and others' use: rustc-web, its standard library as
# source and compiled, and those libraries that this system lacks.
debian_packages() {
    local package
    printf '%s\n' rustc-web rust-web-src
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances libstd-rust-web-dev | grep '^[a-z]' | sort -u |
        while read -r package; do
            if [[ $package == *rust-web* ]] || ! dpkg -s "$package" >/dev/null 2>&1; then
                echo "$package"
            fi
        done
}

update_lists() {
    if [[ $(id -u) == 0 ]]; then
        apt-get update -q
    else
        sudo apt-get update -q
    fi
}

# Unpacks the packages without installing them: nothing outside the cache changes.
unpack_rust_web() {
    local packages package
    [[ ! -e $rust_web/complete ]] || return 0
    command -v apt-get >/dev/null && command -v rustup >/dev/null || return 1
    apt-cache show rustc-web >/dev/null 2>&1 || update_lists || return 1
    mapfile -t packages < <(debian_packages)
    printf "unpacking Debian's Rust compiler into %s\n" "$rust_web"
    rm -rf "$rust_web"
    mkdir -p "$rust_web/packages"
    (cd "$rust_web/packages" && apt-get download -q "${packages[@]}") || return 1
    for package in "$rust_web"/packages/*.deb; do
        dpkg -x "$package" "$rust_web" || return 1
    done
    rm -r "$rust_web/packages"
    touch "$rust_web/complete"
}

build_with_rust_web() {
    local host tools_of_rustup libraries
    host=$(rustc -vV | sed -n 's/^host: //p')
    tools_of_rustup=$(rustc --print sysroot)/lib/rustlib/$host/bin
    libraries=("$rust_web"/usr/lib/*-linux-gnu)
    # Of the compiler alone: cargo and the linker come from rustup.
    export RUSTC=$rust_web/usr/bin/rustc LD_LIBRARY_PATH=${libraries[0]}
    # Building the standard library is not stable in cargo; this compiler is fixed.
    export RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$tools_of_rustup/wasm-component-ld
    export PATH=$tools_of_rustup/gcc-ld:$PATH
    build wasm32-unknown-unknown -Zbuild-std=std,panic_abort
}

if [[ ! ${SKEP_RUST_WEB:-} ]] && has_target; then
    build wasm32-wasip2
elif unpack_rust_web; then
    build_with_rust_web
else
    fail "there is no compiler for components. With a network: rustup target add wasm32-wasip2. Without one: put a component that was built elsewhere at $component"
fi
