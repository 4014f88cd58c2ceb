#!/bin/bash
# Lists of others on pages: who decides sees what adopting would change, and by which rules; nothing happens without a reason, nor
# to another version than was seen; labels stand beside their records, for whom the list itself is for.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b; do init $name $name.example; done
for role in reader publisher; do printf 'correct horse battery\n' | node b user add $role.one --role $role --password-stdin >/dev/null; done
echo 'refuse accept from @list:spam reason "on the list"' >"$tmp/b/policy.conf"
ok "both serve, b pulls from a, and a from b" eval 'start a --alone && start b --alone && peer b a && peer a b'
ok "a knows b" until_true eval '[ "$(fact a b.example size)" -gt 0 ]'
a=$(node a members --json | jq -r 'select(.origin|startswith("a.example/")).origin')
ok "a says something, and publishes a list of two" eval 'echo word | node a publish --kind culture/note --tlp clear - && printf "x.example they sell <nothing>\ny.example\n" >"$tmp/list" && node a list publish spam "$tmp/list" --about "sellers of nothing"'
printf '{"name":"marks","advice":"label","items":[{"record":"%s/1","label":"satire","reason":"it is <meant> so"}]}' "$a" >"$tmp/marks"
ok "and labels of its own record, for everybody and for b alone" eval 'node a list publish marks "$tmp/marks" --advice label && sed s/satire/rumour/ "$tmp/marks" >"$tmp/few" && node a list publish few "$tmp/few" --advice label --tlp amber --to b.example'
ok "b has drafts of all three" until_true eval 'is "$(node b list drafts | grep -c "^a.example/")" 3'

browse() { # person, path, curl arguments...
    local who=$1 path=$2
    shift 2
    curl -s -b "$tmp/jar.$who" -c "$tmp/jar.$who" "$@" "$(url b)$path"
}
hidden() { sed -nE "s/.*name=\"$1\" value=\"([^\"]*)\".*/\1/p" "$tmp/form" | head -1; }
post() { # person, path of the form, fields...: the status; the answer is in $tmp/answer
    local who=$1 path=$2 fields=() field
    shift 2
    browse "$who" "$path" >"$tmp/form"
    for field in csrf version after; do [ -z "$(hidden $field)" ] || fields+=(-F "$field=$(hidden $field)"); done
    for field in "$@"; do fields+=(-F "$field"); done
    browse "$who" "$path" -o "$tmp/answer" -w '%{http_code}' "${fields[@]}"
}
sign_in() { browse "$1" /sign-in >"$tmp/form"; browse "$1" /sign-in -o /dev/null -w '%{http_code}' -d "csrf=$(hidden csrf)" -d "name=$1.one" --data-urlencode "password=correct horse battery"; }
for role in reader publisher; do ok "a $role signs in" eval 'is "$(sign_in '$role')" 303'; done
status() { browse "$1" "$2" -o "$tmp/answer" -w '%{http_code}'; }
shows() { browse "$1" "$2" | grep -qF -- "$3"; }
list=/policy/lists/$a/spam

for path in /policy/lists "$list"; do
    ok "a visitor is led to sign in" eval 'is "$(status visitor "$path")" 303'
    ok "a reader may not" eval 'is "$(status reader "$path")" 403'
    ok "a publisher may" eval 'is "$(status publisher "$path")" 200'
done
ok "drafts are listed" shows publisher /policy/lists "href=\"$list\""
ok "the record of the list leads there, for who decides" eval 'at=$(node a log a.example --json --limit 0 | jq -r "select(.title | startswith(\"list spam\")).index") && shows publisher "/record/$a/$at" "href=\"$list\"" && ! shows reader "/record/$a/$at" "href=\"$list\""'
ok "what it would add, with its source's reason" eval 'shows publisher "$list" "they sell &lt;nothing&gt;" && shows publisher "$list" "y.example"'
ok "and which rule names its set" shows publisher "$list" 'refuse accept from @list:spam'
ok "in Chinese" shows publisher "$list?lang=zh-Hans" "它会改变什么"
ok "one that is not there" eval 'is "$(status publisher "/policy/lists?lang=en")" 200 && is "$(status publisher "/policy/lists/$a/nothing")" 404 && is "$(status publisher /policy/lists/x/y/z)" 404 && is "$(status publisher /policy/lists/file/x)" 404'

refused() { is "$(post "$@")" 400 && node b list adopted | grep -q "Nothing is adopted"; }
ok "without a reason" refused publisher "$list" act=all set=spam
ok "without a choice" refused publisher "$list" "reason=known" act=chosen set=spam
ok "into no set" refused publisher "$list" "reason=known" act=all "set=Spam }"
ok "what was typed is kept" eval 'refused publisher "$list" "reason=a <b>" act=chosen set=spam && grep -q "value=\"a &lt;b&gt;\"" "$tmp/answer"'
no "a forged form adopts nothing" eval 'is "$(browse publisher "$list" -o /dev/null -w "%{http_code}" -F act=all -F reason=x -F set=spam -F after=0)" 303'
ok "a reader adopts nothing" eval 'is "$(post reader "$list" act=all reason=x set=spam)" 403 && node b list adopted | grep -q "Nothing is adopted"'
browse publisher "$list" >"$tmp/form"
ok "meanwhile the list has grown" eval 'echo z.example >>"$tmp/list" && node a list publish spam "$tmp/list" && until_true eval "node b list show spam | grep -q z.example"'
stale() { browse publisher "$list" -o "$tmp/answer" -w '%{http_code}' -F "csrf=$(hidden csrf)" -F "version=$(hidden version)" -F after=0 -F act=all -F reason=x -F set=spam; }
ok "what was not seen is not adopted" eval 'is "$(stale)" 400 && grep -q "another one by now" "$tmp/answer" && node b list adopted | grep -q "Nothing is adopted"'
ok "two of three are adopted" eval 'is "$(post publisher "$list" act=chosen c0=1 c2=1 set=spam "reason=we know them")" 303 && is "$(node b list print spam | xargs)" "x.example z.example"'
ok "who, and why" eval 'node b list adopted | grep -q "#spam: 2 items; adopted by publisher.one, .*2 added, 0 removed: we know them"'
ok "it is in the trail" eval 'node b audit | grep -q "publisher.one.*adopted a.example/.*#spam as @list:spam"'
ok "the page tells as well" shows publisher "$list" "we know them"
ok "a trial knows the set" eval 'browse publisher /policy/try >"$tmp/form"; browse publisher /policy/try -F "csrf=$(hidden csrf)" -F "text=hold from @list:spam" >"$tmp/answer"; grep -q "<h2>Warnings" "$tmp/answer" && ! grep -q "nothing is adopted" "$tmp/answer"'
ok "a withdraws the list: that is a draft, and changes nothing" eval 'for i in $(node a log a.example --json --limit 0 | jq -r "select(.kind == \"policy/list\" and (.title | startswith(\"list spam\"))).index"); do node a erase "a.example/$i"; done; until_true shows publisher /policy/lists "withdrawn by its source" && is "$(node b list print spam | xargs)" "x.example z.example"'
ok "left alone, it stays" eval 'is "$(post publisher "$list" act=decline "reason=not as we see it")" 303 && is "$(node b list print spam | xargs)" "x.example z.example" && ! node b list drafts | grep -q spam'
ok "and is let go of later" eval 'is "$(post publisher "$list" act=all set=spam "reason=gone")" 303 && is "$(node b list print spam)" ""'

# ---- labels ----
labels=/record/$a/1/labels
ok "no label without a person's word" eval 'is "$(browse visitor "$labels")" "{\"labels\":[]}" && ! shows publisher "/record/$a/1" satire'
for name in marks few; do ok "$name is adopted" eval 'is "$(post publisher "/policy/lists/$a/'$name'" act=all set=marks "reason=helps readers")" 303'; done
ok "the public is shown the label of the list that is for all, and whose it is" eval 'shows visitor "/record/$a/1" "<bdi>satire</bdi>" && shows visitor "/record/$a/1" "it is &lt;meant&gt; so" && shows visitor "/record/$a/1" "#marks"'
no "not who adopted it" shows visitor "/record/$a/1" publisher.one
no "nor the label of the other one" shows visitor "/record/$a/1" rumour
ok "people of the node see both, and who adopted them" eval 'shows reader "/record/$a/1" rumour && shows reader "/record/$a/1" publisher.one'
ok "programs as well" eval 'browse visitor "$labels" | jq -e "(.labels | length) == 1 and .labels[0].label == \"satire\" and .labels[0].list == \"$a#marks\" and (.labels[0] | has(\"by\") | not)" && browse reader "$labels" | jq -e "(.labels | length) == 2 and .labels[1].by == \"publisher.one\""'
ok "b still serves, and every proof holds" eval 'curl -sf "$(url b)/healthz" >/dev/null && node b verify'
done_testing
