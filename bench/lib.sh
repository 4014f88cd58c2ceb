# What the rows of bench/run share. A row is a script in bench/rows: it measures, checks that what was measured did what
# it should (counts, not times: a slow machine is no error), and says each figure once through `result`.
# shellcheck shell=bash disable=SC2034
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-build}
case $build in /*) ;; *) build=$root/$build ;; esac
bin=$build/tongzhou
tools=$build/bench
tmp=${BENCH_TMP:?bench/run sets it}
row=$(basename "$0" .sh)
row=${row#*-}
work=$tmp/$row # this row's own files, gone when it ends
mkdir -p "$work" "$tmp/shared"
unset TONGZHOU_DIR
export LC_ALL=C.UTF-8

# ---- sizes ----

records=${BENCH_RECORDS:-1000000}        # of the node that most rows use
large=${BENCH_LARGE:-0}                  # records of the large import, e.g. 10000000: ten minutes and 20 GB
appended=${BENCH_APPEND:-1000000}        # records of 1 kB
hosted=${BENCH_LOGS:-10000}              # logs of the round
log_bytes=${BENCH_LOG_BYTES:-70000000}   # of each log swept
indicators=${BENCH_INDICATORS:-10000000} # of the large sweep set
link_records=${BENCH_LINK:-10000}        # over the bad link
growth=${BENCH_GROWTH:-10000 100000 1000000}
seconds=${BENCH_SECONDS:-10}  # of one measurement of requests
cut=${BENCH_CUT:-60}         # seconds for which the link is cut
patience=${BENCH_PATIENCE:-120} # seconds given to a peer that may take for ever
data=${TONGZHOU_DATA:-$root/../shared/data}

# ---- ends ----

pids=()
cleanup() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    [ "$(type -t row_end)" = function ] && row_end
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

fail() { # what went wrong: the row ends, the other rows go on
    echo "bench: $row: $*" >&2
    exit 1
}

is() { # found, wanted, what
    [ "$1" = "$2" ] || fail "$3: found $1, wanted $2"
}

# ---- results ----

# result KEY TEXT VALUE UNIT [--goal OP NUMBER] [--peer NAME VALUE] [--ratio-goal OP NUMBER] [--note TEXT]
#   VALUE, and that of a peer, is a number or "null": not measured, the note says why. OP is <= or >=. The goal is for the value,
#   the ratio's for value / the first peer's value. Small sizes (BENCH_QUICK) are held against no goal.
result() {
    local key=$1 text=$2 value=$3 unit=$4 peers='[]' goal=null ratio_goal=null note=null
    shift 4
    while [ $# -gt 0 ]; do
        case $1 in
        --goal) goal=$(jq -nc --arg op "$2" --argjson n "$3" '{op: $op, value: $n}') ;;
        --ratio-goal) ratio_goal=$(jq -nc --arg op "$2" --argjson n "$3" '{op: $op, value: $n}') ;;
        --peer) peers=$(jq -c --arg name "$2" --argjson n "$3" '. + [{name: $name, value: $n}]' <<<"$peers") ;;
        --note) note=$(jq -nc --arg t "$2" '$t') ;;
        *) fail "result: $1 is no option" ;;
        esac || fail "result: $key: $1 $2 ${3:-}: no number"
        case $1 in --note) shift 2 ;; *) shift 3 ;; esac
    done
    jq -nc --arg row "$row" --arg key "$key" --arg text "$text" --argjson value "$value" --arg unit "$unit" --argjson peers "$peers" \
        --argjson goal "$goal" --argjson ratio_goal "$ratio_goal" --argjson note "$note" --arg quick "${BENCH_QUICK:-}" '
        def holds($v; $g): if $v == null or $g == null then null elif $g.op == "<=" then $v <= $g.value else $v >= $g.value end;
        (if ($peers | length) > 0 and $value != null and ($peers[0].value // 0) != 0 then $value / $peers[0].value else null end) as $ratio
        | [holds($value; $goal), holds($ratio; $ratio_goal)] | map(select(. != null)) as $each
        | {row: $row, key: $key, text: $text, value: $value, unit: $unit, goal: $goal, peers: $peers, ratio: $ratio,
           ratio_goal: $ratio_goal, holds: (if ($each | length) == 0 or $quick != "" then null else ($each | all) end), note: $note}' \
        >>"$BENCH_RESULTS" || fail "result: $key: $value is no number"
    printf '  %-66s %14s %s\n' "$text" "$value" "$unit" >&2
}

# ---- measuring ----

measure() { # command...: standard output and error are kept apart in $work/out and $work/err
    "$tools/measure" "$work/measured" "$@" >"$work/out" 2>"$work/err"
}

measured() { # seconds, processor_seconds, peak_kb, status of the last
    jq ".$1" "$work/measured"
}

calc() { # an expression of numbers, three digits behind the point at most
    awk "BEGIN { printf \"%.10g\", int(($*) * 1000 + 0.5) / 1000 }"
}

whole() { awk "BEGIN { printf \"%.0f\", $* }"; }

have() { command -v "$1" >/dev/null; }

# ---- nodes ----

node() { # folder, command...
    local dir=$1
    shift
    "$bin" -C "$dir" "$@"
}

init() { # folder, member
    rm -f "$1.recovery"
    node "$1" init --name "$2" --class civil --recovery-out "$1.recovery" >/dev/null || fail "init $1"
}

fact() { # folder, member's name, fact: out of `members --json`
    node "$1" members --json | jq -r "select(.origin|startswith(\"$2/\"))|.$3"
}

serve() { # folder, [options...]: sets served_url, served_pid
    local dir=$1
    shift
    rm -f "$dir.out" # of an earlier row
    "$bin" -C "$dir" serve --listen 127.0.0.1:0 --alone "$@" >"$dir.out" 2>"$dir.err" &
    served_pid=$!
    pids+=("$served_pid")
    until grep -qs http:// "$dir.out"; do
        kill -0 "$served_pid" 2>/dev/null || fail "serve: $(cat "$dir.err")"
        sleep 0.02
    done
    served_url=$(grep -o 'http://[^/ ]*' "$dir.out" | head -1)
}

stop() { # pid
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

resident_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }

# Until a node has folded what it holds: its memory has not moved for five seconds. At most two minutes.
settle() { # pid
    local last=0 now same=0 waited
    for ((waited = 0; waited < 120 && same < 5; waited++)); do
        sleep 1
        now=$(resident_kb "$1")
        if [ $((now > last ? now - last : last - now)) -le 64 ]; then same=$((same + 1)); else same=0; fi
        last=$now
    done
}

stix() { # count, [first]: the path of a bundle, made once a run
    local file=$tmp/shared/stix-$1-${2:-0}.json
    [ -s "$file" ] || { "$tools/gen_stix" "$1" "${2:-0}" >"$file.new" && mv "$file.new" "$file"; } || fail "gen_stix $1"
    echo "$file"
}

# A node that has imported a bundle of so many indicators: made once a run, by whichever row needs it first. No row writes to
# it; one that wants to takes a copy.
filled() { # count: sets filled_dir
    filled_dir=$tmp/shared/node-$1
    [ -e "$filled_dir.done" ] && return
    local bundle
    bundle=$(stix "$1") || exit 1
    init "$filled_dir" a.example
    node "$filled_dir" import --json --tlp clear "$bundle" >"$work/filled" || fail "import of $1"
    is "$(jq .added "$work/filled")" "$1" "records added"
    touch "$filled_dir.done"
}
