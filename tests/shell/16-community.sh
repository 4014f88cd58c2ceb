#!/bin/bash
# Five nodes found a community, a sixth joins with sponsors while another admission competes, one leaves, one is offline
# meanwhile: in the end all compute the same roster at the same cut.
. "$(dirname "$0")/lib.sh"
all="a b c d e f g"
for name in $all; do init $name $name.example; done
served() { for name in $all; do start "$name" --alone || return 1; done; }
ok "seven nodes serve" served
# a is known to all and knows all; whoever reaches a reaches everybody.
meet() { for name in b c d e f g; do peer $name a && peer a $name || return 1; done; }
ok "they meet by way of one" meet
knows() { # node, member, entries at least
    [ "$(fact "$1" "$2.example" size)" -ge "$3" ]
}
everybody_knows() { # member, entries at least
    for name in ${reachable:-$all}; do until_true knows "$name" "$1" "$2" || return 1; done
}
met() { for name in $all; do everybody_knows $name 1 || return 1; done; }
ok "and have each other's logs" met

size_of() { fact "$1" "$1.example" size; }
# A command of a member, then wait until all that are reachable have what it said.
say() { # node, command...
    local name=$1
    shift
    node "$name" "$@" && everybody_knows "$name" "$(size_of "$name")"
}
about() { # node, jq expression
    node "$1" community show Harbour --json | jq -r "$2"
}
state_of() { # node, version hash
    about "$1" ".versions[] | select(.hash | startswith(\"$2\")) | .state"
}

ok "nothing is there yet" eval 'node a community list | grep -q "no community yet"'
ok "a founds it" eval 'say a community found Harbour --with b.example --with c.example --with d.example --with e.example \
    --sponsors 2 --notice-days 0 >"$tmp/found"'
harbour=$(awk 'NR == 1 {print $2}' "$tmp/found")
ok "it needs four of five" grep -q "endorsed by 1 of the 4 that it needs; 3 more of: b.example" "$tmp/found"
no "f was not asked to found it" node f community endorse "$harbour"
founders() { for name in b c d; do say $name community endorse "$harbour" || return 1; done; }
ok "b, c and d endorse it" founders
ok "it is in force" is "$(about g .version)" 1
ok "e is listed and not bound" is "$(about g '.members[] | select(.origin | startswith("e.")) | .word')" listed
ok "e endorses it too" say e community endorse "$harbour"
ok "all belong" is "$(about b '[.members[] | select(.word == "in")] | length')" 5
ok "the charter has its articles" eval 'node g community charter Harbour | grep -q "^1. Respect for sovereignty"'

ok "f asks to join" say f community join Harbour --message '<script>we</script> are many'
no "f vouches for nobody" node f community sponsor Harbour g.example
ok "a vouches for f" say a community sponsor Harbour f.example
ok "one voice is not enough" eval 'node a community propose | grep -q "Nothing waits"'
ok "b vouches for f" say b community sponsor Harbour f.example

# e goes offline: what follows happens without it.
ok "e goes" stop e
reachable="a b c d f g"
ok "g asks as well, and two vouch" eval 'say g community join Harbour && say c community sponsor Harbour g.example && say d community sponsor Harbour g.example'
# Two admissions under one parent: b proposes f, d proposes g, and an operator's first word counts.
ok "b proposes f" eval 'say b community propose --only f.example >"$tmp/one"'
one=$(awk 'NR == 1 {print $3}' "$tmp/one" | tr -d :)
ok "it says whom" eval 'grep -q "+ f.example/.*vouched for by a.example" "$tmp/one" && ! grep -q "+ g.example" "$tmp/one"'
ok "d proposes g at the same time" eval 'say d community propose --only g.example >"$tmp/other"'
other=$(awk 'NR == 1 {print $3}' "$tmp/other" | tr -d :)
ok "both are open" eval 'is "$(state_of a $one)" open && is "$(state_of a $other)" open'
ok "a endorses b's" say a community endorse "$one"
ok "c endorses b's" say c community endorse "$one"
no "a has spoken under this parent" node a community endorse "$other"
ok "and is told what it said" eval 'node a community endorse "$other" 2>&1 | grep -q "has endorsed $one"'
ok "three of four: still version 1" is "$(about c .version)" 1
ok "d's cannot win any more" is "$(state_of c "$other")" overtaken
ok "what would decide it is said" eval 'node c community show | grep -q "open: endorsed by 3 of the 4 that it needs; 1 more of: e.example"'
ok "e comes back" eval 'start e && peer a e'
reachable=$all
back() { for name in $all; do until_true knows e $name "$(size_of $name)" || return 1; done; }
ok "and reads what it missed" back
ok "e endorses b's" say e community endorse "$one"
ok "version 2 is in force, with f" is "$(about g '[.version, (.members | length)] | join("/")')" 2/6
ok "f belongs" is "$(about a '.members[] | select(.origin | startswith("f.")) | .word')" in
ok "d's stays overtaken" is "$(state_of f "$other")" overtaken

ok "c leaves" say c community leave Harbour
ok "and belongs no more at once" is "$(about f '.members[] | select(.origin | startswith("c.")) | .word')" left
ok "d proposes g again, and to drop c" eval 'say d community propose >"$tmp/third"'
third=$(awk 'NR == 1 {print $3}' "$tmp/third" | tr -d :)
ok "g's sponsor has left: g has to wait" eval 'grep -q -- "- c.example.*(left)" "$tmp/third" && ! grep -q "+ g.example" "$tmp/third"'
endorsers() { for name in a b e f; do say $name community endorse "$third" || return 1; done; }
ok "four more endorse it" endorsers
ok "version 3 is in force, without c" is "$(about c '[.version, (.members | length)] | join("/")')" 3/5

digests() { for name in $all; do about $name '[.digest, .cut, .tip] | join(" ")'; done | sort -u; }
everywhere() { is "$(digests | wc -l)" 1; }
ok "the same roster at the same cut on all seven" until_true everywhere
ok "people see it" eval 'node e community show | grep -q "version 3 in force; 5 listed, 5 operators"'
ok "an index made anew gives the same" eval 'before=$(about e .digest) && node e rebuild >/dev/null && is "$(about e .digest)" "$before"'

# The pages, in both languages.
page() { # address, text
    curl -s -H 'Accept: text/html' "$(url g)$1" >"$tmp/page"
    grep -qF "$2" "$tmp/page" && grep -q '</html>' "$tmp/page" && ! grep -q '<script>we' "$tmp/page" && return 0
    cat "$tmp/page"
    return 1
}
whole=$(about g .community)
ok "the list of communities" page /community "Harbour"
ok "one's roster" page "/community/$whole" "Version 3 of the roster is in force"
ok "in Chinese" page "/community/$whole?lang=zh-Hans" "名册第 3 版有效"
ok "what is open names who waits and who vouches" page "/community/$whole" "asked to join"
ok "the versions, and what became of the rival" page "/community/$whole" "overtaken"
ok "the charter" page "/community/$whole" "Respect for sovereignty"
ok "a request is no markup" eval 'f=$(node g members --json | jq -r "select(.origin|startswith(\"f.\")).origin") && page "/members/$f" "Asks to join a community" && page "/record/$f/1" "&lt;script&gt;we"'
no "no page of what is no community" page "/community/$(printf '%064d' 0)" "Version 1"
ok "Home counts it" page / "/community"

# Names: what a website says of its own members, and what no domain can say. (Looking up is tested without the network elsewhere.)
ok "a node says whose names it vouches for" is "$(curl -s "$(url a)/.well-known/tongzhou")" "origin=$(node a members --json | jq -r 'select(.role == "operator").origin')"
init h harbourmaster
ok "a name that is no domain stays claimed" eval 'node h community verify harbourmaster | grep -q "claimed. the name is no domain name"'
ok "the roster says claimed" page "/community/$whole" "claimed"

# A group, and who is in it.
ok "a publishes a group" eval 'say a community group desk b.example g.example | grep -qx "a.example/.*#desk"'
members_of() { node "$1" community groups --json | jq -r '.members[]' | cut -d/ -f1 | paste -sd' '; }
ok "g sees it" until_true eval 'is "$(members_of g)" "b.example g.example"'
no "an empty group has to be said" node a community group desk
ok "it ends" say a community group desk --end
ok "g sees that" until_true eval 'node g community groups | grep -q "#desk, .*: ended"'

# Founded anew by some, each for itself.
ok "b founds it anew without d" eval 'node b community refound Harbour --without d.example >"$tmp/again" && everybody_knows b "$(size_of b)"'
again=$(awk 'NR == 1 {print $3}' "$tmp/again" | tr -d :)
ok "a endorses it" say a community endorse "$again"
ok "who does not stays" is "$(node a community show "$again" --json | jq -r '[.members[] | select(.word == "in")] | length')" 2
no "d is not among them" node d community endorse "$again"
done_testing
