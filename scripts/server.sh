# Sourced by scripts that need a running server, after steps.sh.
# shellcheck shell=bash

# Starts `skep serve` and returns when it is ready, or fails when it ends before.
# Sets `server` to its process id; the caller traps EXIT with `stop_server` before. What
# the server prints goes on to our output.
start_server() {
    local skep=$1 data=$2 listen=$3 pipe line ready=
    pipe=$(mktemp -u)
    mkfifo -m 600 "$pipe"
    "$skep" serve --data "$data" --listen "$listen" >"$pipe" &
    server=$!
    exec 3<"$pipe"
    rm "$pipe"

    while read -r line <&3; do
        printf '%s\n' "$line"
        if [[ $line == "skep is ready on "* ]]; then
            ready=1
            break
        fi
    done
    [[ $ready ]] || fail "the server ended before it was ready; its last lines say why"
    # A pipe that nobody reads would stop the server at its next line.
    cat <&3 &
}

stop_server() {
    [[ ${server:-} ]] || return 0
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}

# Whether something listens at HOST:PORT.
is_taken() {
    (exec 4<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null
}
