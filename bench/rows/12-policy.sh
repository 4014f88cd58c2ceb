# A policy of 1,000 rules: what one decision about a record and a member costs. No peer: rule files of firewalls decide about packets.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

measure "$tools/bench_policy" 1000 || fail "$(cat "$work/err")"
for file in usual worst; do
    is "$(jq ".$file.rules" "$work/out")" 1000 "rules of the $file file"
    what="policy of 1,000 rules, $([ $file = usual ] && echo "as people write them" || echo "all conditions in each, none shared")"
    result $file "$what: a record and a member" "$(jq ".$file.alone_ns" "$work/out")" ns --goal '<=' 1000
    result $file.pair "the same, one record asked of many members" "$(jq ".$file.pair_ns" "$work/out")" ns
    result $file.member "the same, what a member costs once" "$(jq ".$file.member_ns" "$work/out")" ns
    result $file.parse "the same, reading and compiling the file" "$(jq ".$file.parse_ms" "$work/out")" ms
done
