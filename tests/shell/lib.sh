# TAP and nodes for shell scenarios. Each opens with its promise in one sentence; a scenario waits for conditions,
# never for time, uses free ports only, and leaves nothing behind.
# shellcheck shell=bash
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${TONGZHOU_BIN:-$root/build/tongzhou}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tongzhou-test.XXXXXX")
[ -x "$bin" ] || { echo "Bail out! $bin is not there: make bin"; exit 1; }
pids=()
count=0
bad=0
unset TONGZHOU_DIR
export LC_ALL=C.UTF-8

# Nodes may be started inside $(...), whose variables are lost: so their process ids stand in files.
cleanup() {
    local pid file
    for file in "$tmp"/*.pid; do [ -s "$file" ] && pids+=("$(cat "$file")"); done
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do until ended "$pid"; do sleep 0.02; done; done
    [ -n "${KEEP:-}" ] || rm -rf "$tmp"
}

ended() { # pid: gone, or a zombie that waits for its parent
    wait "$1" 2>/dev/null
    [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { # description, command...: one test; its output is shown if it fails
    local what=$1 out
    shift
    count=$((count + 1))
    if out=$("$@" 2>&1); then
        echo "ok $count - $what"
    else
        bad=$((bad + 1))
        echo "not ok $count - $what"
        printf '%s\n' "$out" | tail -20 | sed 's/^/# /'
    fi
}

no() { # description, command...: the command must fail
    local what=$1
    shift
    ok "$what" not "$@"
}

not() { ! "$@"; }

skip() { # description, why
    count=$((count + 1))
    echo "ok $count - $1 # SKIP not checked: $2"
}

done_testing() {
    echo "1..$count"
    exit $((bad > 0))
}

node() { # name, command...
    local name=$1
    shift
    "$bin" -C "$tmp/$name" "$@"
}

init() { # name, member, [options...]
    local name=$1 member=$2
    shift 2
    node "$name" init --name "$member" --class civil --recovery-out "$tmp/$name.recovery" "$@" >/dev/null
}

start() { # name, [options...]: serves on $LISTEN, by default any free port of this machine alone; the address is in $tmp/NAME.url
    local name=$1
    shift
    rm -f "$tmp/$name.out" # of a node before: its address is nobody's now
    "$bin" -C "$tmp/$name" serve --listen "${LISTEN:-127.0.0.1:0}" "$@" >"$tmp/$name.out" 2>"$tmp/$name.log" &
    echo $! >"$tmp/$name.pid"
    until grep -q 'https\?://' "$tmp/$name.out" 2>/dev/null; do
        kill -0 "$(cat "$tmp/$name.pid")" 2>/dev/null || { cat "$tmp/$name.log"; return 1; }
        sleep 0.02
    done
    grep -o 'https\?://[^/ ]*' "$tmp/$name.out" | head -1 >"$tmp/$name.url"
}

stop() { # name
    local pid
    pid=$(cat "$tmp/$1.pid")
    kill "$pid" 2>/dev/null
    until ended "$pid"; do sleep 0.02; done
    rm -f "$tmp/$1.pid" "$tmp/$1.url"
}

url() { cat "$tmp/$1.url"; }
peer() { node "$1" peer add "$(url "$2")"; }

until_true() { # command...: within three minutes: a machine may have other work
    local end=$((SECONDS + ${PATIENCE:-180}))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "did not come true: $*"; "$@"; return 1; }
        sleep 0.05
    done
}

fact() { # node, member, name: a number or word out of `members --json`
    node "$1" members --json | jq -r "select(.origin|startswith(\"$2/\"))|.$3"
}

is() { # found, wanted
    [ "$1" = "$2" ] || { echo "found $1, wanted $2"; return 1; }
}

same_size() { # node, node, member
    is "$(fact "$1" "$3" size)/$(fact "$1" "$3" payloads)" "$(fact "$2" "$3" size)/$(fact "$2" "$3" payloads)"
}

nowhere() { # text, folder...: no file holds it
    local text=$1
    shift
    ! grep -rlaF -- "$text" "$@"
}
