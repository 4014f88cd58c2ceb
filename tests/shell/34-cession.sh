#!/bin/bash
# A member lends a power to another one, for a scope and a time: what that one decides takes effect here and says by which
# cession, until it is over or taken back; from then on at once nothing does.
# shellcheck disable=SC2034,SC2016 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

# a lends, b decides, c speaks.
for name in a b c; do init $name $name.example; done
ok "the three serve; a pulls from b and c, b and c from a, b from c" eval 'for n in a b c; do start $n --alone || exit; done; peer a b && peer a c && peer b a && peer b c && peer c a && peer c b'
say() { # node, kind, text, options...: prints MEMBER/INDEX
    local node=$1 kind=$2 text=$3
    shift 3
    echo "$text" | node "$node" publish --kind "$kind" "$@" - | sed 's,/[a-z2-7]*/,/,'
}
has() { node "$1" show --body "$2"; }
size_of() { node "$1" members --json | jq -r "select(.origin|startswith(\"$2/\")).size"; }
has_all_of() { is "$(size_of "$1" "$2")" "$(size_of "${2%%.*}" "$2")"; } # node, member: as much as the member itself
first=$(say c culture/note first-word --tlp clear)
second=$(say c culture/note second-word --tlp clear)
third=$(say c test/other third-word --tlp clear)
for n in a b; do ok "$n has what c said" until_true eval 'has '$n' "$first" && has '$n' "$second" && has '$n' "$third"'; done

# ---- what cannot be lent ----
no "no power that there is not" node a cession give rule b.example --until 30d
no "nothing without an end" node a cession give moderate b.example
no "nothing from before" node a cession give moderate b.example --from 2026-01-01 --until 30d
no "nothing that ends before it begins" node a cession give moderate b.example --from 3d --until 2026-01-01
no "nothing to oneself" node a cession give moderate a.example --until 30d
no "nothing to nobody" node a cession give moderate nobody.example --until 30d
no "admitting to no group" node a cession give admit b.example --until 30d
no "admitting to a group that is not ours" node a cession give admit b.example --group desk --until 30d
no "a group to moderate" node a cession give moderate b.example --group desk --until 30d
no "a kind that is none" node a cession give moderate b.example --kind notes --until 30d
ok "a guest has nothing to decide here" eval 'node a member add --name guest.example --class civil --recovery-out "$tmp/guest.recovery" >/dev/null && ! node a cession give moderate b.example --as guest.example --until 30d'
no "whoever has nothing takes nothing back" node a cession revoke a.example/0
ok "no power is ceded" eval 'node a cession list | grep -q "no power is ceded"'

# ---- moderating ----
ok "a lends to b to decide about culture" eval 'node a cession give moderate b.example --kind "culture/*" --until 30d --about "while we sleep" >"$tmp/given"'
given=$(sed 's,/[a-z2-7]*/,/,' "$tmp/given")
for n in a b; do ok "$n lists it" until_true eval 'node '$n' cession list | grep -q "^a.example/.*/${given#*/}  moderate of kind culture/\*, ceded to b.example/.*, active until .* (while we sleep)"'; done
ok "c has nothing to do with it, and can know it" until_true eval 'node c cession list | grep -q "no power" && is "$(node c cession list --all --json | jq -r "[.power, .state, .kinds[0]] | join(\" \")")" "moderate active culture/*"'
ok "b refuses two, in public" eval 'node b policy refuse "$first" --reason "spam" --publish clear >/dev/null && node b policy refuse "$third" --reason "spam" --publish clear >/dev/null'
ok "what is lent takes effect on a" until_true not has a "$first"
ok "it is gone there" nowhere first-word "$tmp/a/payloads" "$tmp/a/index.db"
ok "why names who, the record and the cession" eval 'node a why "$first" >"$tmp/why" && grep -q "^accept   refused by a member to whom that was ceded: b.example/.*: spam" "$tmp/why" && grep -q "published as b.example/" "$tmp/why" && grep -q "by the cession a.example/.*/${given#*/} to b.example/.*, active until" "$tmp/why"'
ok "a's people are told" eval 'node a inbox | grep -q "b.example.* decided about a content here, by a power that was ceded to it"'
ok "a has heard of both" until_true has_all_of a b.example
ok "what is out of its scope stays" has a "$third"
ok "so does all on c, who lent nothing" has c "$first"
ok "one decision stands by it" eval 'node a cession list | grep -q "by it 1 decision stands"'
ok "a person of a goes above" eval 'node a policy release "$first" --reason "no spam" >/dev/null && until_true has a "$first" && node a why "$first" | grep -q "released by a person: .*: no spam"'
ok "b cannot take away again what a person of a let in" eval 'node b policy release "$first" >/dev/null && node b policy refuse "$first" --reason "still" --publish clear >/dev/null && until_true has_all_of a b.example && has a "$first"'
ok "a page shows what is lent" eval 'curl -s "$(url c)/community" >"$tmp/page" && grep -q "Ceded powers" "$tmp/page" && grep -q "while we sleep" "$tmp/page" && grep -q "active until" "$tmp/page"'

# ---- the end ----
no "nobody else takes it back" node b cession revoke "$given"
ok "a does" node a cession revoke "$given" --reason "awake again"
no "once" node a cession revoke "$given"
ok "b hears of it" until_true eval 'node b cession list | grep -q "revoked .*: awake again"'
ok "what b decides now" eval 'node b policy refuse "$second" --reason "spam" --publish clear >/dev/null && until_true has_all_of a b.example'
ok "does nothing on a" eval 'node a status >/dev/null && has a "$second" && node a why "$second" | grep -q accepted'
ok "a lends once more, for a second" node a cession give moderate b.example --until 1s
ok "which passes" until_true eval 'node a cession list | grep -q expired'
ok "what b decides then" eval 'node b policy release "$second" >/dev/null && node b policy refuse "$second" --reason "spam again" --publish clear >/dev/null && until_true has_all_of a b.example'
ok "does nothing either" eval 'node a status >/dev/null && has a "$second"'

# ---- admitting ----
ok "a has a group, and lends to b to admit to it" eval 'node a community group desk b.example >/dev/null && node a cession give admit b.example --group desk --until 30d >"$tmp/admit"'
admit=$(sed 's,/[a-z2-7]*/,/,' "$tmp/admit")
ok "b knows" until_true eval 'node b cession list | grep -q "admit to #desk, ceded to b.example"'
no "not in secret" node b community group a.example#desk c.example --tlp amber
before=$(say a culture/note before-word --tlp amber+strict --to a.example#desk)
ok "b admits c" eval 'node b community group a.example#desk c.example | grep -q "admitted, while that is ceded"'
for n in a c; do ok "$n has heard of it" until_true eval 'node '$n' community groups | grep -q "^b.example.* admits to a.example.*#desk, since .*: c.example"'; done
inside=$(say a culture/note inside-word --tlp amber+strict --to a.example#desk)
ok "c gets what is said to the group" until_true has c "$inside"
no "not what was said before" has c "$before"
ok "a takes it back" node a cession revoke "$admit"
outside=$(say a culture/note outside-word --tlp amber+strict --to a.example#desk)
ok "it is not for c any more" eval 'node a why "$outside" --for c.example | grep -q "^share    not with c.example"'
ok "b gets it" until_true has b "$outside"
ok "c does not" eval 'node c sync >/dev/null; ! has c "$outside"'
ok "nothing of it is in c's files" nowhere outside-word "$tmp/c"
for n in a b c; do ok "every proof holds on $n" node $n verify; done
done_testing
