#!/bin/bash
# A roster keeps its charter's rules: hosted members speak and have no voice, notice runs, the charter changes by the same
# rule, and an exclusion has its reason.
. "$(dirname "$0")/lib.sh"
for name in a b c; do init $name $name.example; done
node a member add --name h.example --class private --recovery-out "$tmp/h.recovery" --alone >/dev/null
for name in a b c; do start $name --alone; done
ok "they meet" eval 'peer a b && peer b a && peer a c && peer c a && peer b c && peer c b'
everybody_knows() { # member, entries
    local name
    for name in a b c; do until_true eval "[ \"\$(fact $name $1.example size)\" -ge $2 ]" || return 1; done
}
ok "and have each other's logs" eval 'for name in a b c h; do everybody_knows $name 1 || return 1; done'
say() { # node, member, command...
    local name=$1 member=$2
    shift 2
    node "$name" "$@" && everybody_knows "$member" "$(fact "$name" "$member.example" size)"
}
about() { node "$1" community show Town --json | jq -r "$2"; }
word() { about b ".members[] | select(.origin | startswith(\"$1.\")) | .word"; }

ok "a founds it with b and the member that it hosts" eval 'say a a community found Town --with b.example --with h.example --sponsors 1 >"$tmp/found"'
town=$(awk 'NR == 1 {print $2}' "$tmp/found")
ok "two operators, both needed" grep -q "endorsed by 1 of the 2 that it needs; 1 more of: b.example" "$tmp/found"
ok "b endorses it" say b b community endorse "$town"
ok "it is in force" is "$(about a '[.version, .operators] | join("/")')" 1/2
ok "h has not said so" is "$(word h)" listed
ok "h says so, by the node that it lives on" say a h community endorse "$town" --as h.example
ok "and belongs" is "$(word h)" in
no "b does not speak for h" node b community leave Town --as h.example

ok "h leaves" say a h community leave Town --as h.example --message "elsewhere"
ok "at once" is "$(word h)" left
ok "it stays on the roster until its notice is over" eval 'node a community propose | grep -q "Nothing waits"'
ok "which is said" eval 'node b community show Town | grep -q "h.example/.* left on .*; notice until .*; it says: elsewhere"'
ok "another charter" eval 'node a community charter Town --json | jq -c ".notice_days = 0" >"$tmp/charter" &&
    say a a community propose --charter "$tmp/charter" >"$tmp/second"'
version() { awk 'NR == 1 {print $3}' "$tmp/$1" | tr -d :; }
ok "b endorses it" say b b community endorse "$(version second)"
ok "no notice any more" eval 'node b community charter Town | grep -q "after 0 days"'
ok "now h can go" eval 'say b b community propose >"$tmp/third" && grep -q -- "- h.example.*(left)" "$tmp/third"'
ok "and goes" eval 'say a a community endorse "$(version third)" && is "$(about c "[.version, (.members | length)] | join(\"/\")")" 3/2'

ok "c asks, and b vouches for it" eval 'say c c community join Town && say b b community sponsor Town c.example'
ok "c is added" eval 'say a a community propose >"$tmp/fourth" && say b b community endorse "$(version fourth)" && is "$(word c)" in'
no "who has endorsed it needs no second word" node a community endorse "$(version fourth)"

no "an exclusion needs its reason" node a community propose --exclude c.example
ok "with it" eval 'say a a community propose --exclude c.example --because "never answers" >"$tmp/fifth" && grep -q -- "- c.example.*(excluded)" "$tmp/fifth"'
ok "three operators, two needed: b endorses it" say b b community endorse "$(version fifth)"
ok "c is off the roster" is "$(about c '[.version, (.members | length)] | join("/")')" 5/2
ok "names are claimed until they are looked up" is "$(about a '[.members[].name] | unique | join(" ")')" claimed
no "a community that nobody knows" node a community show 0123456789abcdef
no "a charter that is none" eval 'echo "{}" >"$tmp/none" && node a community propose --charter "$tmp/none"'
done_testing
