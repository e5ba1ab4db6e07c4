#!/usr/bin/env bash
# From a fresh clone to a running server with an app on it, which stays in the foreground.
#
# SKEP_LISTEN (127.0.0.1:3000) and SKEP_DATA (./skep-data) say where.
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
source scripts/server.sh

listen=${SKEP_LISTEN:-127.0.0.1:3000}
data=${SKEP_DATA:-skep-data}
url=http://$listen
skep=$CARGO_TARGET_DIR/debug/skep
password_file=$data/admin-password
password_place="in $password_file"

# The password of `admin`: given, kept from the first run, or new.
find_password() {
    if [[ -n ${SKEP_ADMIN_PASSWORD:-} ]]; then
        password_place='as you set it in SKEP_ADMIN_PASSWORD'
    elif [[ -e $password_file ]]; then
        SKEP_ADMIN_PASSWORD=$(<"$password_file")
    elif [[ -e $data ]]; then
        fail "$data is there without $password_file: set SKEP_ADMIN_PASSWORD to the password of its user admin"
    else
        mkdir -p "$data"
        SKEP_ADMIN_PASSWORD=$(head -c 18 /dev/urandom | base64)
        (umask 077 && printf '%s' "$SKEP_ADMIN_PASSWORD" >"$password_file")
    fi
    export SKEP_ADMIN_PASSWORD
}

deploy_example() {
    printf '%s' "$SKEP_ADMIN_PASSWORD" | "$skep" login "$url" --username admin --password-stdin
    "$skep" deploy "examples/$example"
}

call_example() {
    printf "skep call %s '%s'\n" "$example" "$call"
    "$skep" call "$example" "$call"
}

if is_taken "$listen"; then
    fail "something listens on $listen already: stop it, or choose another address with SKEP_LISTEN=127.0.0.1:3001 make run"
fi
example=inventory call='{"action": "list"}'
if [[ ! -e examples/inventory/manifest.json ]]; then
    example=hello call='{"name": "Ann"}'
fi

step 'looking for what is needed' scripts/setup.sh
claim_target
step 'building skep' cargo build --locked
find_password
trap stop_server EXIT
trap 'exit 0' INT TERM
step 'starting the server' start_server "$skep" "$data" "$listen"
step "deploying examples/$example" deploy_example
step "calling $example" call_example

cat <<TEXT

Skep runs on $url
  user      admin
  password  $password_place
  the app   curl -H "Authorization: Bearer TOKEN" -d '$call' $url/api/sync/$example
            (TOKEN: $skep token create mine --scope apps:call)
  commands  $skep --help
Ctrl-C stops it.
TEXT
wait "$server"
