#!/bin/bash
# Whoever objects to a content is answered by a person, in public and with reasons; its author can answer back and get it let in
# again; what was refused, and of whom, can be counted.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b c; do init $name $name.example; done
say() { # text, options...: at a; prints MEMBER/INDEX
    local text=$1
    shift
    echo "$text" | node a publish --kind culture/note --tlp clear "$@" - | sed 's,/[a-z2-7]*/,/,'
}
ok "the three serve, b pulls from a and c, both from b" eval 'start a --alone && start b --alone && start c --alone && peer b a && peer b c && peer a b && peer c b'
good=$(say "a good-word" --lang en)
slur=$(say "a hateful-word" --lang de)
got() { node "$1" show --body "$2"; }
for n in b c; do ok "$n has both" until_true eval 'got '$n' "$good" && got '$n' "$slur"'; done

# ---- a member objects ----
no "nobody objects without good faith" node c policy notice "$slur" --reason "insults"
no "nor without a reason" node c policy notice "$slur" --good-faith
no "nor to what is not known" node c policy notice a.example/999 --reason x --good-faith
ok "c objects" eval 'node c policy notice "$slur" --reason "insults a group of people" --ground "StGB 130" --who "Cem C." --contact mailto:c@c.example --good-faith | grep -q "^c.example/"'
ok "b's people are told" until_true eval 'node b policy notices | grep -q "a.example/.*/${slur#*/}  notice by c.example/.*: insults a group of people"'
ok "with all that it says" eval 'is "$(node b policy notices --json | jq -r "[.type, .ground, .who, .contact] | join(\"|\")")" "notice|StGB 130|Cem C.|mailto:c@c.example"'
ok "once, though it is said twice" eval 'node c policy notice "$slur" --reason "insults a group" --good-faith >/dev/null && until_true eval "node b policy notices | grep -q \"insults a group$\"" && is "$(node b policy notices --json | wc -l)" 1'
ok "log says what it is" eval 'node b log c.example | grep -q "objects to a.example/${slur#*/}: insults a group"'

# ---- a person decides ----
no "what speaks of reasons belongs to what is published" node b policy refuse "$slur" --reason x --facts y
no "a law and a term exclude each other" node b policy refuse "$slur" --reason x --publish clear --law y --ground z
no "red is for persons" node b policy refuse "$slur" --reason x --publish red
ok "b refuses, and says so" eval 'node b policy refuse "$slur" --reason "it insults" --facts "says hateful-w… of a group" --publish clear --law "StGB 130" --territory DE --redress mailto:ombud@b.example | grep -q "^1 objection answered"'
ok "it is gone" until_true nowhere hateful-word "$tmp/b/payloads" "$tmp/b/index.db" # as soon as nobody reads
ok "nobody objects any more" eval 'is "$(node b policy notices)" "nobody objects"'
at=$(($(fact b b.example size) - 1))
ok "a reads why" until_true got a b.example/$at
fields() { got a b.example/$at | jq -r '[.action, .restriction, .scope, .territory, .facts, .source, (.notices|length), .unnamed, .rule, .ground, .incompatible, .automated.decided, .redress, .expiry] | map(tostring) | join("|")' | sed 's,/[a-z2-7]\{52\},,g'; }
ok "with all that article 17 asks for" eval 'is "$(fields)" "refused|neither kept, shown nor passed on|b.example|DE|says hateful-w… of a group|notice|1|0|null|StGB 130|law|false|mailto:ombud@b.example|null"'
ok "log says it in a line" eval 'node a log b.example | grep -q "refused a.example/${slur#*/}: says hateful-w"'

# ---- its author answers ----
no "only the author can" node c policy counter "$slur" --reason "no" --good-faith
ok "a answers" node a policy counter "$slur" --reason "it quotes a judgment" --good-faith
ok "b's people are told" until_true eval 'node b policy notices | grep -q "counter-notice by a.example/.*: it quotes a judgment"'
ok "b lets it in again" eval 'node b policy release "$slur" --reason "a quotation" --publish clear | grep -q "^1 objection answered"'
ok "it comes" until_true got b "$slur"
ok "nobody objects any more, again" eval 'is "$(node b policy notices)" "nobody objects"'
ok "why says who decided" eval 'node b why "$slur" | grep -q "released by a person: .*: a quotation"'

# ---- about what lives here ----
ok "c objects to b's own word" eval 'echo own-word | node b publish --kind culture/note --tlp clear - >/dev/null; own=b.example/$(($(fact b b.example size) - 1)); until_true got c $own && node c policy notice $own --reason "not true" --good-faith && until_true eval "node b policy notices | grep -q \"not true\""'
own=$(node b policy notices --json | jq -r .subject | sed 's,/[a-z2-7]*/,/,')
no "b cannot refuse its own" node b policy refuse "$own" --reason x
ok "but keep it, which answers" eval 'node b policy release "$own" --reason "it is true" | grep -q "is kept" && is "$(node b policy notices)" "nobody objects"'
ok "or take it back, which does, too" eval 'node c policy notice "$own" --reason "still not true" --good-faith >/dev/null && until_true eval "node b policy notices | grep -q \"still not\"" && node b erase "$own" && is "$(node b policy notices)" "nobody objects"'
ok "an objection that is taken back is gone" eval 'last=$(node c policy notice "$good" --reason "bad-faith" --good-faith | head -1) && until_true eval "node b policy notices | grep -q bad-faith" && node c erase "c.example/${last##*/}" >/dev/null && until_true eval "node b policy notices | grep -qx \"nobody objects\""'

# ---- rates ----
printf 'refuse accept language de reason "not our language"\n' >"$tmp/b/policy.conf"
node b policy show >/dev/null # in force before anything comes
third=$(say "another german-word" --lang de)
ok "the rule refuses" until_true eval 'node b policy refused | grep -q "/${third#*/}  culture/note  line 1 of"'
ok "b refuses one more" node b policy refuse "$good" --reason "x"
rate() { node b policy rates --json "$@" | jq -r "select(.name | startswith(\"$name\")) | \"\(.here) \(.held) \(.by_rule) \(.by_person) \(.refused_per_mille)\""; }
ok "rates by origin" eval 'name=a.example; until_true eval "is \"\$(rate)\" \"2 0 1 1 500\""'
ok "rates by language" eval 'name=de; is "$(rate --by-language)" "1 0 1 0 500" && name=en && is "$(rate --by-language)" "0 0 0 1 1000"'
ok "every proof holds" node b verify
done_testing
