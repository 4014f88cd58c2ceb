#!/bin/bash
# An author learns who has what it said to few, by proofs that nobody can guess, and nobody else learns that anybody has.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

# a says it to b and c; x is named nowhere. All peer with a, and x with b as well.
for n in a b c x; do init "$n" "$n.example"; done
for n in a b c x; do start "$n"; done
for n in b c x; do peer $n a >/dev/null; peer a $n >/dev/null; done
peer x b >/dev/null
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ] 2>/dev/null; }
for m in b c x; do ok "a knows $m" until_true knows a "$m.example"; ok "$m knows a" until_true knows $m a.example; done
secret="the valve at pier four"
say() { echo "$secret" | node a publish --kind culture/note --tlp amber+strict --to b.example --to c.example -; }
said=$(say 2>/dev/null)
for n in b c; do node $n sync >/dev/null 2>&1; done # a did not know them when they asked first
has() { node "$1" show "$said" 2>/dev/null | grep -qF "$secret"; }
for n in b c; do ok "$n has it" until_true has $n; done

# ---- off until switched on ----
receipts() { node a receipts --json "$said"; }
state() { receipts | jq -r --arg m "$1.example/" '.members[] | select(.member | startswith($m)).state'; }
ok "nobody has confirmed" is "$(receipts | jq -r '"\(.confirmed) \(.expected)"')" "0 2"
ok "b would confirm one" is "$(node b receipts send --dry-run)" "would confirm 1 content in 1 receipt"
ok "b confirms now" is "$(node b receipts send)" "confirmed 1 content in 1 receipt"
ok "and once" is "$(node b receipts send)" "confirmed 0 contents in 0 receipts"
ok "c confirms while its node runs" node c receipts on --each 1s
ok "x as well, for whom nothing came" node x receipts on --each 1s
confirmed() { is "$(state b) $(state c)" "confirmed confirmed"; }
ok "a sees both" until_true confirmed
ok "in words" eval 'node a receipts "$said" | grep -qE "^  c\.example/.*  confirmed, 20.*Z \(its record 1\)"'
ok "the list tells how many" eval 'node a receipts | grep -qE "^a\.example/.*/1  confirmed by 2 of 2$"'
ok "c shows that it confirms" eval 'node c receipts | grep -qE "^c\.example/.* confirms what arrives, every 1s$"'
told() { node a inbox --all --topic receipt --json | jq -rs 'map(.what) | unique | join(" ")'; }
ok "the inbox tells" until_true eval 'is "$(told)" receipt-came'

# ---- for its author alone ----
b=$(node b members --json | jq -r 'select(.origin|startswith("b.example/")).origin')
hex=$(printf %s "$b" | sha256sum | cut -d' ' -f1)
node x sync >/dev/null 2>&1
ok "x has b's entry, and not its content" eval 'node x show --json "$b/1" | jq -e ".kind == null or .kind == \"seal\"" && nowhere "\"held\"" "$tmp/x"'
ok "a has it" eval 'node a show "$b/1" | grep -q "\"held\""'
no "the public does not get it of b" eval 'curl -s "$(url b)/logs/$hex/payload/0" "$(url b)/record/$b/1" "$(url b)/record/$b/1/raw" | grep -aq held'
no "nor of a, nor who has confirmed" eval 'curl -s "$(url a)/logs/$hex/payload/0" "$(url a)/record/$b/1" "$(url a)/record/$said" "$(url a)/record/$said/receipts" | grep -aqE "held|confirmed"'
ok "who may not know is answered as if there were none" is "$(curl -s -o /dev/null -w '%{http_code}' "$(url a)/record/$said/receipts")" 404
no "b cannot ask about a's content" node b receipts "$said"

# ---- for whom is signed in as one of the author's ----
printf 'correct horse battery\n' | node a user add ada --role reader --password-stdin >/dev/null
token=$(node a token add ada t --scope read | head -1)
as_ada() { curl -s -H "Authorization: Bearer $token" -H 'Accept: text/html' "$(url a)$1"; }
ok "the record's page shows them" eval 'as_ada "/record/$said" | grep -q "Who has confirmed it" && as_ada "/record/$said" | grep -q "2 of 2 members"'
ok "programs get JSON" eval 'as_ada "/record/$said/receipts" | jq -e ".confirmed == 2 and (.members | length) == 2"'

# ---- whose word is not believed ----
proof=$(node a show "$b/1" | grep -o '\[1,"[^"]*"\]')
forge() { # to a, by x: these pairs
    printf '{"log":"%s","held":[%s]}' "${said%/1}" "$1" |
        node x publish --kind connect/receipt --tlp amber+strict --to a.example --type application/json - >/dev/null
}
ok "x copies b's proof" forge "$proof"
ok "it is not valid" until_true eval 'is "$(state x)" not-valid'
ok "x guesses for what is not there" forge '[0,"AAAAAAAAAAAAAAAAAAAAAA=="],[99,"AAAAAAAAAAAAAAAAAAAAAA=="]'
ok "the inbox tells that, too" until_true eval 'is "$(told)" "receipt-came receipt-wrong"'

# ---- withdrawn ----
ok "a withdraws it" node a erase "$said"
ok "what was confirmed cannot be checked any more" eval 'node a receipts "$said" | grep -qE "^  b\.example/.* withdrawn since"'
size=$(fact c c.example size)
ok "c confirms no more" node c receipts off
ok "a says more" eval 'say >"$tmp/more" 2>/dev/null'
ok "c has it" until_true eval 'node c show "$(cat "$tmp/more")" 2>/dev/null | grep -qF "$secret"'
ok "and its log has not grown" is "$(fact c c.example size)" "$size"
done_testing
