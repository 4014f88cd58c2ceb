#!/bin/bash
# Before something is said one sees who will get it, by which path and rule, who not and why; afterwards it is so.
. "$(dirname "$0")/lib.sh"

# a says it. b, c and x pull from a; g lives on h's node.
nodes=(a b c h x)
for n in "${nodes[@]}"; do init "$n" "$n.example"; done
node h member add --name g.example --class civil --recovery-out "$tmp/g.recovery" >/dev/null
for n in "${nodes[@]}"; do start "$n"; done
for to in b c h x; do peer a "$to" >/dev/null && peer "$to" a >/dev/null; done
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ] 2>/dev/null; }
for m in b c h g x; do ok "a knows $m" until_true knows a "$m.example"; done
ok "a publishes a group" node a community group desk b.example c.example
ok "and one of nobody" node a community group empty b.example
ok "which ended" node a community group empty --end

preview() { # options...: who would get it, by name, in one line
    echo draft | node a preview --kind culture/note "$@" --json - 2>"$tmp/err" >"$tmp/json"
    local status=$?
    jq -r '[.members[]|select(.fate == "gets").member|sub("[.].*";"")]|sort|join(" ")' "$tmp/json" 2>/dev/null
    return $status
}
said() { # options...: who gets it
    local word="px-$RANDOM$RANDOM" index n
    index=$(echo "$word" | node a publish --kind culture/note "$@" - 2>"$tmp/err") || return
    for n in b c h x; do node "$n" sync >/dev/null 2>&1; done
    for n in b c h x; do node "$n" show "a.example/${index##*/}" 2>/dev/null | grep -q "$word" && echo "$n"; done | xargs
}
same() { # expected, as nodes hold it; options...
    local foretold
    foretold=$(preview "${@:2}") && is "$(sed "s/\bg\b/h/g" <<<"$foretold" | tr ' ' '\n' | sort -u | xargs)" "$1" && is "$(said "${@:2}")" "$1"
}
ok "clear" same "b c h x" --tlp clear
ok "for one" same "b" --tlp amber+strict --to b.example
ok "for a group" same "b c" --tlp amber --to a.example#desk
ok "for a guest and its host" same "h" --tlp amber --to g.example
ok "the host is told of" eval 'jq -e ".effects[]|select(.effect == \"host\" and (.member|startswith(\"h.example\")) and (.for|startswith(\"g.example\")))" "$tmp/json"'
ok "for a guest alone, whose host only keeps it" same "h" --tlp amber+strict --to g.example
ok "which is told, too" eval 'jq -e ".effects[]|select(.effect == \"node\" and (.member|startswith(\"h.example\")))" "$tmp/json"'
ok "kept" same "" --tlp amber --keep
ok "nothing was said by a preview" eval 'before=$(fact a a.example size); preview --tlp clear >/dev/null; is "$(fact a a.example size)" "$before"'
printf '%s\n' 'refuse share to c.example reason "not now"' 'share to-class civil' >"$tmp/a/policy.conf"
adopted() { node a policy show | grep -q 'not now'; }
ok "a policy" until_true adopted
ok "keeps it from one of a group" same "b" --tlp amber --to a.example#desk
ok "by a rule that is named" eval 'jq -e "(.members[]|select(.member|startswith(\"c.example\"))|.fate == \"kept-by-policy\" and .line == 1) and (.rules[]|select(.line == 1).reason == \"not now\")" "$tmp/json"'
ok "who may get it from others all the same" eval 'jq -e ".members[]|select(.member|startswith(\"c.example\"))|.paths == [\"onward\"]" "$tmp/json"'
ok "people are shown the same" eval 'echo draft | node a publish --preview --kind culture/note --tlp amber --to a.example#desk - >"$tmp/out" && grep -q "c.example/.*a rule of the policy keeps it here.*line 1: refuse share" "$tmp/out" && grep -q "Get it (1)" "$tmp/out"'
size=$(fact a a.example size)
refused() { # status, reason, options...: by both
    local status=$1 reason=$2 command out
    shift 2
    for command in preview publish; do
        out=$(echo draft | node a "$command" --kind culture/note "$@" - 2>&1)
        is $? "$status" && grep -q -- "$reason" <<<"$out" || { echo "$command: $out"; return 1; }
    done
}
ok "policy keeps it from all whom it names" refused 1 "lets none of those have it" --tlp amber --to c.example
ok "or from one whom a parcel is for" refused 1 "A parcel is for all whom it names" --tlp amber --to a.example#desk --parcel
ok "a group that has ended" refused 1 "has ended" --tlp amber --to a.example#empty
ok "a group that nobody published" refused 1 "no such group" --tlp amber --to b.example#none
ok "green without a community" refused 1 "belongs to no community" --tlp green
ok "clear for few" refused 2 "contradicts TLP:CLEAR" --tlp clear --to b.example
ok "a stranger" refused 1 "no member" --tlp amber --to nobody.example
ok "nothing of that was said" is "$(fact a a.example size)" "$size"
done_testing
