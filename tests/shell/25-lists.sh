#!/bin/bash
# Lists are advice: what others say of members, records and values waits here until a person adopts it, takes effect by the node's
# own rules, and what they take back waits as well.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b c; do init $name $name.example; done
ok "all three serve" eval 'start a --alone && start b --alone && start c --alone'
origin() { node "$1" members --json | jq -r "select(.origin|startswith(\"$1.example/\")).origin"; }
a=$(origin a) b=$(origin b) c=$(origin c)
ok "b pulls from a and c" eval 'peer b a && peer b c'
ok "b's rules name a list that it has not adopted" eval 'echo "refuse accept from @list:spam reason \"on the list\"" >"$tmp/b/policy.conf" && node b policy show | grep -q @list:spam'
ok "policy check says that it is empty" eval 'node b policy check | grep -q "nothing is adopted as list:spam"'

first=$(echo "first-word" | node c publish --kind culture/note --tlp clear - | sed 's,.*/\([0-9]*\)$,\1,;s,.*/,,')
ok "an unadopted list blocks nobody" until_true node b show --body "c.example/1"
printf '%s they sell what they do not have\nnobody.example\n' "$c" >"$tmp/list.txt"
ok "a publishes a list" node a list publish spam "$tmp/list.txt" --about "sellers of nothing"
ok "it comes to b as a draft" until_true eval 'node b list drafts | grep -q "^a.example/.*#spam: .*2 items; 0 adopted"'
ok "the draft says what it would change" eval 'node b list show spam | grep -q "^+ member $c: they sell what they do not have$"'
ok "and blocks nobody" eval 'echo second-word | node c publish --kind culture/note --tlp clear - && until_true node b show --body c.example/2'
no "adopting needs a reason" node b list adopt spam
no "of something that it changes" node b list adopt spam --reason x --only elsewhere.example
ok "b adopts one of the two" node b list adopt spam --reason "we know them, too" --only "$c"
ok "who, why and what are recorded" eval 'node b list adopted | grep -q "#spam: 1 item; adopted by $(id -un), .*1 added, 0 removed: we know them, too"'
ok "the draft is answered" eval 'node b list drafts | grep -q "No draft waits"'
ok "the set stands in the policy in force" eval 'node b policy show | grep -qF "set list:spam = { $c }"'
echo third-word | node c publish --kind culture/note --tlp clear - >"$tmp/third"
ok "now the rule turns c's contents away" until_true eval 'node b why c.example/3 | grep -q "line 1 of"'
ok "nothing of it is on b" nowhere third-word "$tmp/b"
ok "why names the list, its source, who adopted it and why" eval 'node b why c.example/3 | grep -q "@list:spam: a.example/.*#spam, adopted by $(id -un), .*: we know them, too"'
ok "one a line for other programs" eval 'is "$(node b list print spam)" "$c"'

ok "a takes it back" node a list retract spam "$c" --because "they mended their ways"
ok "that is a draft, too" until_true eval 'node b list show spam | grep -q "^- member $c: they mended their ways$"'
ok "and removes nothing by itself" eval 'node b policy show | grep -qF "set list:spam = { $c }"'
ok "b leaves it alone" node b list decline spam --reason "not as we see it"
ok "it still holds" eval 'node b policy show | grep -qF "set list:spam = { $c }" && node b list drafts | grep -q "No draft waits"'
ok "a ends the list" node a list retract spam --all --because "kept by others now"
ok "b sees a new draft" until_true eval 'node b list show spam | grep -q "advice block, ended"'
ok "b agrees" node b list adopt spam --reason "we let go as well"
ok "the set is gone, the rule matches nobody" eval '! node b policy show | grep -q "set list:spam" && is "$(node b list print spam)" ""'
ok "what was refused is asked for again" until_true node b show --body c.example/3
ok "the history stays" eval 'is "$(node b list show spam | grep -c " by $(id -un), ")" 3'

echo "{\"name\":\"marks\",\"advice\":\"label\",\"items\":[{\"record\":\"$c/1\",\"label\":\"satire\",\"reason\":\"it is meant so\"}]}" >"$tmp/marks.json"
ok "a labels a record" node a list publish marks "$tmp/marks.json" --advice label
ok "b sees the draft, and no label" until_true eval 'node b list show marks | grep -q "^+ record $c/1 label satire: it is meant so$" && ! node b why c.example/1 | grep -q satire'
ok "b adopts it" node b list adopt marks --reason "helps readers"
ok "why shows label, source and who" eval 'node b why c.example/1 | grep -q "^label *satire, a.example/.*#marks, adopted by $(id -un), .*: it is meant so"'
index=$(($(fact a a.example size) - 1))
ok "a withdraws the list itself" node a erase "a.example/$index"
ok "what b adopted is proposed for removal, and stays until then" until_true eval 'node b list drafts | grep -q "#marks: withdrawn by its source; 1 adopted here" && node b why c.example/1 | grep -q satire'
ok "b removes it" eval 'node b list adopt marks --reason "gone" && ! node b why c.example/1 | grep -q satire'

printf '#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nSpam.example,suspend,False,False,"spam, and ""worse""",False\nnoop.example,noop,False,False,,False\n' >"$tmp/blocks.csv"
ok "domain blocks of a social network come in as a draft" eval 'node b list import fedi "$tmp/blocks.csv" && node b list show file#fedi | grep -qF "+ member spam.example: suspend: spam, and \"worse\""'
echo 'refuse accept kind @list:odd reason "odd"' >"$tmp/odd.conf"
ok "a set that the rules in force cannot do with is refused, and nothing has changed" eval 'cp "$tmp/odd.conf" "$tmp/b/policy.conf" && node b policy show >/dev/null; ! node b list adopt file#fedi --as odd --reason x 2>"$tmp/err" && grep -q kind "$tmp/err" && node b list drafts | grep -q "^file#fedi"'
ok "b still serves, and every proof holds" eval 'curl -sf "$(url b)/healthz" >/dev/null && node b verify'
done_testing
