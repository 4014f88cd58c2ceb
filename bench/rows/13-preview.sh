# A preview of what is not said yet: each of many members asked about. No peer: nobody else shows it before it is sent.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

many=${BENCH_MEMBERS:-10000}
measure "$tools/bench_preview" "$work/node" "$many" || fail "$(cat "$work/err")"
what="preview over $many members"
goal() { result "$1" "$2" "$(jq ".$1.warm_ms" "$work/out")" ms --goal '<=' 50; }
for case in clear group clear_rules group_rules; do
    is "$(jq ".$case.gets" "$work/out")" "$many" "members that get it, $case"
done
goal clear "$what: what is for everybody"
goal group "$what: for a group of all of them"
goal clear_rules "$what: for everybody, 1,000 rules about who gets what"
goal group_rules "$what: for that group, 1,000 rules"
result cold "the same, the first of a process: each profile is read" "$(jq .group_rules.cold_ms "$work/out")" ms
