#!/bin/bash
# What is said to a group goes to those who are in it when it is said; newcomers get older contents when their author grants
# them, and members of a community with their admission. Nothing is lost though a group's list came behind what was said to it.
. "$(dirname "$0")/lib.sh"

# a says it. b is in the group from the beginning and the only peer of n, who comes later; h comes into the community.
for n in a b n h; do init "$n" "$n.example"; done
for n in a b n h; do start "$n"; done
peer a b >/dev/null; peer b a >/dev/null
peer b n >/dev/null; peer n b >/dev/null
peer a h >/dev/null; peer h a >/dev/null
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ] 2>/dev/null; }
for m in b n h; do ok "a knows $m" until_true knows a "$m.example"; done
ok "n knows a" until_true knows n a.example
say() { # marking, text, options...: prints the address
    local tlp=$1 text=$2
    shift 2
    echo "$text" | node a publish --kind culture/note --tlp "$tlp" "$@" - 2>/dev/null
}
round() { node "$1" sync >/dev/null 2>&1 || true; } # one of its peers may have another address by now
got() { node "$1" log a.example --limit 0 | grep -q -- "$2"; }
settled() { is "$(fact "$1" a.example size)" "$(fact a a.example size)"; }

# ---- list and content arrive together ----
stop b
node a community group desk b.example >/dev/null
say amber before-words --to a.example#desk >/dev/null
start b
peer a b >/dev/null; peer n b >/dev/null
ok "who gets a list and what was said to it at once has both" until_true got b before-words
ok "n has the seals" until_true settled n
no "n, who is in no group, has nothing of it" got n before-words

# ---- a newcomer ----
node a community group desk b.example n.example >/dev/null
say amber after-words --to a.example#desk >/dev/null
ok "who has come in gets what is said from then on" until_true got n after-words
round n
no "nothing of before" got n before-words
ok "why says that it came later" eval 'node a why "a.example/$(node a log a.example --limit 0 --json | jq -r "select(.title|contains(\"before-words\")).index")" --for n.example | grep -q "not with n.example: TLP:AMBER: in a group that is named, but not yet when this was said"'
ok "no file of n holds it" nowhere before-words "$tmp/n"

# ---- who may grant ----
node b community grant a.example#desk >/dev/null
ok "what another says grants nothing" eval 'until_true settled n && round n && ! got n before-words'
no "nor to a group that nobody knows" node a community grant nobodys
no "nor to a member" node a community grant b.example
node a community grant desk --since 2035-01-01 >/dev/null
ok "from a later time on: nothing of before" eval 'until_true settled n && round n && ! got n before-words'
ok "its author grants it" eval 'node a community grant desk | grep -qE "^a.example/[a-z2-7]*/[0-9]+$"'
ok "and it comes, by a member that has it" until_true got n before-words
ok "why says so" eval 'node a why "a.example/$(node a log a.example --limit 0 --json | jq -r "select(.title|contains(\"before-words\")).index")" --for n.example | grep -q "yes, with n.example: in a group that is named"'

# ---- who goes, and comes back ----
node a community group desk b.example >/dev/null
say amber meanwhile-words --to a.example#desk >/dev/null
ok "b gets it" until_true got b meanwhile-words
ok "who is out gets nothing more" eval 'until_true settled n && round n && ! got n meanwhile-words'
node a community group desk b.example n.example >/dev/null
say amber again-words --to a.example#desk >/dev/null
ok "back in it gets what is said now" until_true got n again-words
no "not what was said meanwhile" got n meanwhile-words
ok "no file of n holds that" nowhere meanwhile-words "$tmp/n"

# ---- a community ----
ok "a founds a community with b" eval 'node a community found Circle --sponsors 1 --with b.example >"$tmp/circle"'
circle=$(awk 'NR == 1 {print $2}' "$tmp/circle")
ok "b endorses it" until_true node b community endorse "$circle"
ok "it is in force" until_true eval 'is "$(node a community show Circle --json | jq -r .version)" 1'
say green green-words >/dev/null
ok "b, who belongs to it, gets what is green" until_true got b green-words
ok "h has the seals" until_true settled h
no "h, who belongs to none, has nothing of it" got h green-words
ok "h asks to join" until_true node h community join "$circle"
ok "a vouches for it" until_true node a community sponsor "$circle" h.example
ok "and proposes it" until_true eval 'node a community propose "$circle" >"$tmp/second" && grep -q h.example "$tmp/second"'
ok "b endorses that" until_true node b community endorse "$(grep -oE '\b[0-9a-f]{12}\b' "$tmp/second" | head -1)"
ok "what was said before comes with the admission" until_true got h green-words
no "not to who did not join" got n green-words
done_testing
