#!/bin/bash
# A node's rules stand beside its members' audiences: what is for few is held, refused and shared by rule, too, and reaches
# nobody behind the node before somebody lets it.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b c; do init $name $name.example; done
say() { # text, [options...]: at a; prints MEMBER/INDEX
    local text=$1
    shift
    echo "$text" | node a publish --kind culture/note "$@" - 2>/dev/null | sed 's,/[a-z2-7]*/,/,'
}
policy() { # node, text: its file, in force
    printf '%s\n' "$2" >"$tmp/$1/policy.conf"
    node "$1" policy show >/dev/null
}
got() { node "$1" show --body "$2"; }
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ]; }

policy b 'hold tlp amber reason "others are careful, so are we"
refuse accept tlp amber+strict reason "not over this node"
share'
ok "b peers with a, c with b alone" eval 'start a && start b && start c && peer a b && peer b a && peer b c && peer c b'
ok "a knows b" until_true knows a b.example
ok "b knows a" until_true knows b a.example
ok "a knows c" until_true knows a c.example
ok "b knows c" until_true knows b c.example
held=$(say "held-words" --tlp amber --to b.example --to c.example)
refused=$(say "refused-words" --tlp amber+strict --to b.example --to c.example)
ok "what is for few is held by a rule" until_true eval 'node b policy held | grep -q "/${held#*/}  culture/note  line 1 of "'
ok "and refused" until_true eval 'node b policy refused | grep -q "/${refused#*/}  culture/note  line 2 of .*: not over this node"'
ok "what was refused is nowhere on b" nowhere refused-words "$tmp/b"
no "no list shows what waits" eval 'node b log a.example --limit 0 | grep -q held-words'
seals() { is "$(fact c a.example size)" "$(fact a a.example size)"; }
ok "c has the seals" until_true seals
ok "and asked for the contents" eval 'node c sync >/dev/null; nowhere held-words "$tmp/c"'
ok "a person releases it" node b policy release "$held" --reason "read it"
ok "so it comes to c, who is named" until_true got c "$held"
ok "why says for whom" eval 'node b why "$held" --for c.example | grep -q "^share    yes, with c.example: named; line 3 of [0-9a-f]\{12\}: share$"'

policy a 'share tlp amber to c.example'
policy c '# no word about what is for few: it stays'
mine=$(say "for-c-by-rule" --tlp amber --to b.example --to c.example)
ok "c asks a, too" peer c a
ok "a rule lets it go to c" until_true got c "$mine"
ok "and b, who is named as well, gets nothing" eval 'node b sync >/dev/null; nowhere for-c-by-rule "$tmp/b"'
ok "why names the rule" eval 'node a why "$mine" --for c.example | grep -q "^share    yes, with c.example: named; line 1 of [0-9a-f]\{12\}: share tlp amber to c.example$"'
ok "and says that there is none" eval 'node a why "$mine" --for b.example | grep -qx "share    not with b.example: named, but no rule lets leave what is not TLP:CLEAR"'
ok "nor anything for the public" eval 'node a why "$mine" | grep -qx "share    not with the public: TLP:AMBER: not named"'
printf 'share\n' >"$tmp/a.try"
ok "a trial tells whom another policy affects" eval 'node a policy try "$tmp/a.try" | grep -q "^share    3 not shared -> shared with members: of a.example/[^ ]* 3; members b.example/[^ ]* 3, c.example/[^ ]* 1$"'
printf 'refuse share tlp >= green reason "for us alone"\n' >"$tmp/a.try"
ok "and who would not get what is for them any more" eval 'node a policy try "$tmp/a.try" | grep -q "^share    2 shared with members -> not shared: of a.example/[^ ]* 2; members c.example/[^ ]* 2$"'
policy a 'share'
ok "another policy of a: it comes to b, and waits there" until_true eval 'node b policy held | grep -q "/${mine#*/}  culture/note  line 1 of "'
rm "$tmp/b/policy.conf"
ok "without a policy of its own b has it" until_true got b "$mine"
ok "what b refused comes, too" until_true got b "$refused"

# Out of a parcel, which b carries to c.
policy c 'hold kind culture/note reason "read first"
refuse accept kind culture/essay reason "no essays"'
carried=$(say "carried-words" --tlp amber --to c.example --parcel)
ok "what a parcel brings is held, too" until_true eval 'node c policy held | grep -q "/${carried#*/}  culture/note  line 1 of "'
essay=$(echo carried-essay | node a publish --kind culture/essay --tlp amber --to c.example --parcel - 2>/dev/null | sed 's,/[a-z2-7]*/,/,')
ok "or refused" until_true eval 'node c policy refused | grep -q "/${essay#*/}  culture/essay  line 2 of .*: no essays"'
ok "and is nowhere" nowhere carried-essay "$tmp/c" "$tmp/b"
ok "a person releases the one" eval 'node c policy release "$carried" --reason "read it" && got c "$carried" | grep -q carried-words'
node c peer remove "$(url a)" >/dev/null
policy c 'accept'
ok "another policy: the parcel is opened again" until_true eval 'got c "$essay" | grep -q carried-essay'
policy a 'share tlp clear'
ok "what no rule lets leave goes into no parcel" eval '! echo x | node a publish --kind culture/note --tlp amber --to c.example --parcel - 2>"$tmp/err" && grep -q "no rule of the policy" "$tmp/err"'

# Rules ask who is in a group.
origin=$(node a members --json | jq -r 'select(.origin|startswith("a.example/")).origin')
ok "a publishes a group" node a community group desk b.example
policy a "share tlp amber to-group $origin#desk"
ok "nobody warns that there are no groups" eval '! node a policy check | grep -q "knows no groups"'
desk=$(say "for-the-desk" --tlp amber --to b.example --to c.example)
ok "who is in it gets what the rule shares with it" until_true got b "$desk"
ok "why says so" eval 'node a why "$desk" --for b.example | grep -q "^share    yes, with b.example: named; line 1 of "'
ok "not so who is not" eval 'node a why "$desk" --for c.example | grep -q "^share    not with c.example: named, but no rule"'
ok "a changes the group" node a community group desk c.example
ok "and so what the rule says" eval 'node a why "$desk" --for c.example | grep -q "^share    yes, with c.example" && node a why "$desk" --for b.example | grep -q "^share    not with b.example"'
for name in a b c; do ok "all of $name is as sealed" node $name verify; done
done_testing
