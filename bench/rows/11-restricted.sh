# Restricted records to one member, over signed requests: asked for, looked up, decided, served, verified, stored durably. And
# what the same round brings and costs a node that is in no audience.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

many=${BENCH_RESTRICTED:-100000}
init "$work/a" a.example
init "$work/b" b.example
serve "$work/b"
node "$work/a" peer add "$served_url" >/dev/null || fail "a: peer add"
node "$work/a" sync >/dev/null || fail "a does not learn of b"
is "$(fact "$work/a" b.example size)" 1 "b's log at a"
stop "$served_pid"
node "$work/a" import --alone --json --tlp amber+strict --to b.example "$(stix "$many")" >"$work/imported" || fail "import"
is "$(jq .added "$work/imported")" "$many" "records said to b"
result import "saying $many records to one member" "$(calc "$(jq .seconds "$work/imported")")" s
serve "$work/a"
settle "$served_pid"

pulled() { # node, contents: its first round
    measure "$tools/bench_sync" "$1" || fail "sync: $(cat "$work/err")"
    is "$(jq .payloads "$work/out")" "$2" "contents pulled"
}
node "$work/b" peer add "$served_url" >/dev/null || fail "b: peer add"
pulled "$work/b" "$many"
result rate "restricted records to one member, entries and contents" "$(whole "$many / $(jq .seconds "$work/out")")" records/s \
    --goal '>=' 50000
result time "the same, time" "$(jq .seconds "$work/out")" s
result requests "requests for it" "$(jq .requests "$work/out")" ""
result processor "processor time of who pulls" "$(measured processor_seconds)" s

init "$work/x" x.example
node "$work/x" peer add "$served_url" >/dev/null || fail "x: peer add"
pulled "$work/x" 0
result outside "a node that gets nothing of it: the round, time" "$(jq .seconds "$work/out")" s
stop "$served_pid"
