#!/bin/bash
# What is said to few in a parcel reaches them over a relay that cannot read it, and goes with its expiry or its author's word.
. "$(dirname "$0")/lib.sh"

# a says it; r relays and is in no audience; c is named and peers with r only; d mirrors r and is named by nobody.
for n in a r c d; do init "$n" "$n.example"; done
for n in a r c d; do start "$n"; done
peer a r >/dev/null
peer r a >/dev/null
peer r c >/dev/null
peer c r >/dev/null
peer d r >/dev/null
peer r d >/dev/null
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ] 2>/dev/null; }
ok "a knows c, over r" until_true knows a c.example
ok "a knows d, over r" until_true knows a d.example
ok "c knows a, over r" until_true knows c a.example
origin=$(node a members --json | jq -r 'select(.origin|startswith("a.example/"))|.origin')
size() { fact a a.example size; }
up_to_date() { for n in r c d; do is "$(fact "$n" a.example size)" "$(size)" || return 1; done; }
says() { node "$1" show "$2" 2>/dev/null | grep -qF -- "$3"; }

# ---- one content ----
secret="the plant at mile nine runs release 7"
ok "a says it to c, in a parcel" eval 'echo "$secret" | node a publish --kind culture/note --tlp amber+strict --to c.example --parcel - >"$tmp/said" 2>"$tmp/told"'
said=$(cat "$tmp/said")
ok "the address is the content's own" eval '[[ $said == a.example/*/1 ]]'
ok "and the parcel is told of" grep -qE '^1 content for 1 member as a parcel, until [0-9-]{10}: a\.example/.*/2$' "$tmp/told"
ok "c reads it" until_true says c "$said" "$secret"
ok "for whom it is c sees as well" eval 'node c show --json "$said" | jq -e ".tlp == \"amber+strict\" and (.to|length) == 1"'
ok "all have all entries" until_true up_to_date
for n in r d; do node "$n" sync >/dev/null 2>&1; done
for n in r d; do
    ok "no file of $n holds it" nowhere "$secret" "$tmp/$n"
    no "$n cannot show it" says "$n" "$said" "$secret"
    ok "$n carries the parcel" until_true eval 'node '"$n"' parcel | grep -q "^a\.example/.*/2  until .*  for others$"'
done
ok "c has opened it" eval 'node c parcel --json | jq -e ".index == 2 and .state == \"opened\""'

# ---- nothing of it is public on c ----
public() { # what c gives anybody
    local hex
    hex=$(printf %s "$origin" | sha256sum | cut -d' ' -f1)
    curl -s "$(url c)/" "$(url c)/record/$origin/1" "$(url c)/record/$origin/1/raw" "$(url c)/record/$origin/2" \
        "$(url c)/metrics" "$(url c)/logs/$hex/payload/0"
    node c export-static "$tmp/static" >/dev/null && find "$tmp/static" -type f -exec cat {} +
    node c pack "$tmp/c.tar.zst" >/dev/null && zstd -qdc "$tmp/c.tar.zst"
}
no "c's pages, logs, plain files and packs do not hold it" eval 'public | grep -aqF "$secret"'
ok "a pack carries the parcel" eval 'zstd -qdc "$tmp/c.tar.zst" | grep -aq "age-encryption.org/v1"'

# ---- what is refused, before anything is said ----
before=$(size)
refused() { # status, reason, arguments...
    local status=$1 reason=$2 out
    shift 2
    out=$(echo note | node a "$@" 2>&1)
    is $? "$status" && { printf '%s' "$out" | grep -q -- "$reason" || { echo "$out"; return 1; }; }
}
ok "a parcel for everybody" refused 2 "contradicts TLP:CLEAR" publish --kind culture/note --tlp clear --to c.example --parcel -
ok "for nobody" refused 2 "needs --to" publish --kind culture/note --tlp green --keep --parcel -
ok "in the local log" refused 2 "contradicts --local" publish --kind culture/note --tlp amber --local --to c.example --parcel -
ok "one that lives for a year" refused 2 "from 1h to 184d" publish --kind culture/note --tlp amber --to c.example --parcel --expires 365d -
ok "an expiry of nothing" refused 2 "add --parcel" publish --kind culture/note --tlp amber --to c.example --expires 2d -
ok "a stranger" refused 1 "no member" publish --kind culture/note --tlp amber --to nobody.example --parcel -
ok "nothing of that was said" is "$(size)" "$before"

# ---- later, by hand ----
ok "said without a parcel" eval 'echo later text | node a publish --kind culture/note --tlp amber --to c.example --to d.example - >"$tmp/later" 2>/dev/null'
later=$(cat "$tmp/later")
ok "others than it names get none" refused 1 "whom it is for stands in the record" parcel "$later" --to r.example
ok "of what is clear there is none" eval 'echo clear | node a publish --kind culture/note --tlp clear - >"$tmp/clear" && refused 1 "TLP:CLEAR" parcel "$(cat "$tmp/clear")" --to c.example'
ok "nor of a profile" refused 1 "has none" parcel a.example/0 --to c.example
ok "nor of others' logs" refused 1 "does not live on this node" parcel c.example/0 --to d.example
ok "to d alone" eval 'node a parcel "$later" "$said" --to d.example 2>&1 | grep -q "whom it is for"'
ok "to those it names" eval 'node a parcel "$later" --to d.example --expires 2d | grep -q "^1 content for 1 member as a parcel"'
ok "d reads it" until_true says d "$later" "later text"
no "c, whom it names, too, had no parcel" says c "$later" "later text"
ok "all have all entries" until_true up_to_date
ok "no file of r holds it" nowhere "later text" "$tmp/r"

# ---- many at once, and on a stick ----
init e e.example
ok "a hears of e by a pack" eval 'node e pack "$tmp/e.tar.zst" >/dev/null && node a unpack "$tmp/e.tar.zst" >/dev/null'
seq -f 'host-%.0f.parcel.example' 20000 >"$tmp/list"
ok "an import of 20,000 is one parcel" eval 'node a import --tlp amber --to c.example --to e.example --parcel --format list "$tmp/list" 2>&1 | grep -q "^20,000 contents for 2 members as a parcel, until "'
ok "c has all of them" until_true eval 'is "$(node c export --all list | grep -c parcel.example)" 20000'
ok "known already is not sent again" eval '! node a import --tlp amber --to c.example --to e.example --parcel --format list "$tmp/list" 2>&1 | grep -q "as a parcel"'
ok "all have all entries" until_true up_to_date
node r sync >/dev/null 2>&1
ok "no file of r holds them" nowhere host-4711.parcel.example "$tmp/r"
ok "r packs what it has" node r pack "$tmp/r.tar.zst"
ok "e takes it in, and has them, too" eval 'node e unpack "$tmp/r.tar.zst" >/dev/null && is "$(node e export --all list | grep -c parcel.example)" 20000'
ok "for itself alone" eval '! node e export list | grep -q parcel.example'
ok "status tells it" eval 'node e status | grep -q "^  parcels    1 opened, 20,000 contents out of them; 0 refused, 0 expired$"'

# ---- taken back: the parcel goes with it ----
ok "a takes it back" eval 'node a erase "$said" | grep -q "1 parcel that carries it"'
ok "c forgets it" until_true nowhere "$secret" "$tmp/c"
gone() { ! node "$1" parcel --json | jq -e 'select(.index == 2)' >/dev/null; }
for n in a r c d; do ok "$n has the parcel no more" until_true gone "$n"; done
ok "a neither" nowhere "$secret" "$tmp/a"

for n in a r c d; do stop "$n"; done
done_testing
