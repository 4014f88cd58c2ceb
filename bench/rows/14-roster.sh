# A community of 10,000 members, half of them operators: what one endorsement costs a node that follows it. No peer: nobody else computes
# who belongs from what members have signed.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

many=${BENCH_MEMBERS:-10000}
measure "$tools/bench_roster" "$work/index" "$many" $((many / 2)) || fail "$(cat "$work/err")"
figure() { jq ".$1" "$work/out"; }
is "$(figure members)" $((many + 1)) "members at the end"
is "$(figure version)" "$(figure expected)" "the version in force at the end"
what="community of $many members, $((many / 2)) operators"
result voice "$what: an endorsement" "$(figure voice_ms)" ms
result decides "the same, the one that brings a version into force" "$(figure decides_ms)" ms
result history "all its versions and endorsements, read at once" "$(figure history_ms)" ms
result anew "what holds anew from version 1, as after a fork" "$(figure anew_ms)" ms
result walk "what a page and \`community show\` compute" "$(figure walk_ms)" ms
result memory "the most memory meanwhile" "$(figure walk_peak_mb)" MB
