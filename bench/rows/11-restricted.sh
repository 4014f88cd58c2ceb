# Restricted records to one member, over signed requests: asked for, looked up, decided, served, verified, stored durably; named
# itself, and by a group. What the same round brings and costs a node that is in no audience. And requests that are signed,
# beside the same ones unsigned: those are not slower for it.
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

# ---- signed requests, each once, by one client over 64 connections, beside unsigned ones for the same addresses ----
if have wrk; then
    hex=$(fact "$work/a" a.example origin | tr -d '\n' | sha256sum | cut -d' ' -f1)
    seq 0 $((many / 256 - 1)) | sed "s,.*,/logs/$hex/payload/&," >"$work/paths"
    ask() { # script, file of requests: requests a second
        wrk -t1 -c64 -d"${seconds}s" -s "$root/bench/$1" "$served_url" "$2" >"$work/out" 2>&1 || fail "wrk: $(cat "$work/out")"
        grep -qE 'Non-2xx|Socket errors' "$work/out" && fail "wrk: $(grep -E 'Non-2xx|Socket errors' "$work/out")"
        sed -n 's,^Requests/sec: *,,p' "$work/out"
    }
    before=$(ask requests.lua "$work/paths") || exit 1
    "$tools/bench_signed" "$work/b" "$served_url" "$(fact "$work/a" a.example origin)" 20000 <"$work/paths" >"$work/signed" ||
        fail "bench_signed"
    rate=$(ask signed.lua "$work/signed") || exit 1
    after=$(ask requests.lua "$work/paths") || exit 1
    result signed "signed requests for bundles of 256 restricted contents" "$rate" requests/s --goal '>=' 200 \
        --note "each with its signature verified and 256 contents decided; the goal is that of 50,000 records a second"
    result unsigned "the same addresses unsigned, which are holes, before any signed one" "$before" requests/s
    result unsigned.after "the same after 20,000 signed ones were answered" "$after" requests/s
fi
stop "$served_pid"

# ---- the same records to a group, whose list is long known ----
node "$work/b" peer remove "$served_url" >/dev/null
init "$work/g" g.example
serve "$work/b"
node "$work/g" peer add "$served_url" >/dev/null || fail "g: peer add"
node "$work/g" sync >/dev/null || fail "g does not learn of b"
stop "$served_pid"
node "$work/g" community group --alone desk b.example >/dev/null || fail "group"
serve "$work/g"
node "$work/b" peer add "$served_url" >/dev/null || fail "b: peer add g"
node "$work/b" sync >/dev/null || fail "b does not learn of the group"
node "$work/b" peer remove "$served_url" >/dev/null
stop "$served_pid"
node "$work/g" import --alone --json --tlp amber+strict --to g.example#desk "$(stix "$many")" >"$work/imported" ||
    fail "import to a group"
serve "$work/g"
settle "$served_pid"
node "$work/b" peer add "$served_url" >/dev/null || fail "b: peer add g again"
pulled "$work/b" "$many"
result group "the same to a group that the member is in" "$(whole "$many / $(jq .seconds "$work/out")")" records/s --goal '>=' 50000
result group.processor "processor time of who pulls" "$(measured processor_seconds)" s
stop "$served_pid"
