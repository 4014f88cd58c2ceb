#!/bin/bash
# What its author takes back is gone from every file of five nodes, for everybody, for few and in parcels, full text, sweep set
# and parcels included; a node that was away meanwhile obeys as soon as it is back.
. "$(dirname "$0")/lib.sh"

# a says it. b and c are named, r relays and is named by nobody, o is named and away when it is taken back.
nodes=(a b c r o)
for n in "${nodes[@]}"; do init "$n" "$n.example"; done
for n in "${nodes[@]}"; do start "$n"; done
for n in b c r o; do peer a "$n" >/dev/null; peer "$n" a >/dev/null; done
peer c r >/dev/null
peer o b >/dev/null
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ] 2>/dev/null; }
for m in b c r o; do ok "a knows $m" until_true knows a "$m.example"; done

# ---- said ----
echo "a note for all: zircon-clear" | node a publish --kind culture/note --tlp clear - >/dev/null 2>&1
node a community group desk b.example o.example >/dev/null
ok "b and o know the group" until_true eval 'node b community groups | grep -q "#desk" && node o community groups | grep -q "#desk"'
echo "a note for few: zircon-amber" | node a publish --kind culture/note --tlp amber --to b.example --to o.example - >/dev/null 2>&1
echo "a note for a group: zircon-group" | node a publish --kind culture/note --tlp amber+strict --to a.example#desk - >/dev/null 2>&1
echo "a note in a parcel: zircon-parcel" | node a publish --kind culture/note --tlp amber+strict --to c.example --to o.example --parcel - >/dev/null 2>&1
indicator() { # number, word: found by full text, by value and in sweeps
    jq -nc --arg id "indicator--00000000-0000-4000-8000-00000000000$1" --arg word "$2" '{type: "bundle", id: "bundle--00000000-0000-4000-8000-000000000001",
        objects: [{type: "indicator", spec_version: "2.1", id: $id, created: "2026-11-01T00:00:00.000Z", modified: "2026-11-01T00:00:00.000Z",
        name: ($word + " named"), description: ("described as " + $word), pattern: ("[domain-name:value = \u0027" + $word + ".example\u0027]"),
        pattern_type: "stix", valid_from: "2026-11-01T00:00:00Z"}]}'
}
indicator 1 zircon-stix >"$tmp/clear.json"
indicator 2 zircon-quiet >"$tmp/amber.json"
ok "an indicator for all" eval 'node a import --tlp clear "$tmp/clear.json" | grep -q "1 added"'
ok "and one for few" eval 'node a import --tlp amber --to b.example --to o.example "$tmp/amber.json" | grep -q "1 added"'
declare -A has=([a]="clear amber group parcel stix quiet" [b]="clear amber group stix quiet" [c]="clear parcel stix" [r]="clear stix"
    [o]="clear amber group parcel stix quiet")
holds() { # node: what it is to have, and in full text
    local word
    for word in ${has[$1]}; do
        node "$1" log a.example --limit 0 | grep -q "zircon-$word" || { echo "$1 has no zircon-$word"; return 1; }
    done
    grep -rqaF zircon-stix "$tmp/$1"
}
for n in "${nodes[@]}"; do ok "$n has what it is to have" until_true holds "$n"; done
echo "GET http://zircon-stix.example/ zircon-quiet.example" >"$tmp/log"
ok "o finds both in a log" until_true eval 'is "$(node o sweep "$tmp/log" | grep -c zircon-)" 2'

# ---- taken back, while o is away ----
stop o
mapfile -t said < <(node a log a.example --limit 0 --json | jq -r 'select(.title | contains("zircon-")) | .index')
is "${#said[@]}" 6 || exit 1
for index in "${said[@]}"; do ok "a takes back $index" node a erase "a.example/$index"; done
for n in a b c r; do
    ok "no file of $n holds any of it" until_true nowhere zircon- "$tmp/$n"
    ok "nor is it found in a sweep by $n" eval '! node '"$n"' sweep "$tmp/log" | grep -q zircon-'
done
ok "o has it all still" eval 'holds o && grep -rqaF zircon-quiet "$tmp/o"'
node b pack "$tmp/b.tar.zst" >/dev/null 2>&1
ok "nor does a pack" eval '! zstd -qdc "$tmp/b.tar.zst" | grep -qa zircon-'

# ---- o comes back ----
start o
ok "o is back" until_true eval 'is "$(fact o a.example size)" "$(fact a a.example size)"'
ok "no file of o holds any of it" until_true nowhere zircon- "$tmp/o"
ok "nor does it find it" eval '! node o sweep "$tmp/log" | grep -q zircon- && ! node o log a.example --limit 0 | grep -q zircon-'
# What it still offered to others meanwhile nobody took: they know that it was withdrawn.
for n in "${nodes[@]}"; do node "$n" sync >/dev/null 2>&1; done
ok "it comes back to nobody" nowhere zircon- "$tmp/a" "$tmp/b" "$tmp/c" "$tmp/r" "$tmp/o"
for n in "${nodes[@]}"; do ok "the log of $n is whole" node "$n" verify a.example; done
done_testing
