#!/bin/bash
# Whoever follows /events gets each new record and notice that it may see, none twice, none left out, however often it is cut off.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b; do init $name $name.example; done
right="correct horse battery"
for role in reader analyst; do printf '%s\n' "$right" | node b user add "$role.one" --role "$role" --password-stdin >/dev/null; done
analyst=$(node b token add analyst.one t --scope read | grep -oE 'tz_[a-z2-7]+')
reader=$(node b token add reader.one t --scope read | grep -oE 'tz_[a-z2-7]+')
publish=$(printf '%s\n' "$right" | node b user add p.one --role publisher --password-stdin >/dev/null && node b token add p.one t --scope publish | grep -oE 'tz_[a-z2-7]+')
printf '%s\n' 'hold kind culture/essay reason "read first"' >"$tmp/b/policy.conf"
ok "two nodes, b pulls from a" eval 'start a --alone && start b --alone && peer b a && peer a b'
say() { # marking, kind, text, options...
    local tlp=$1 kind=$2 text=$3
    shift 3
    echo "$text" | node a publish --kind "$kind" --tlp "$tlp" "$@" - | sed 's,/[a-z2-7]*/,/,'
}
ok "b knows a, and a b" until_true eval '[ "$(fact b a.example size)" -gt 0 ] && [ "$(fact a b.example size)" -gt 0 ]'

# ---- followers: a curl each, its output in a file ----
follow() { # name, curl arguments...
    local name=$1
    shift
    curl -sN --max-time 120 "$@" >"$tmp/events.$name" 2>/dev/null &
    echo $! >"$tmp/follow-$name.pid"
    until_true grep -q '^id: ' "$tmp/events.$name"
}
records() { grep -A2 '^event: record' "$tmp/events.$1" | sed -n 's/^data: //p' | jq -r .record | sed -E 's,/[a-z2-7]*/,/,'; }
kinds() { grep -h '^data: ' "$tmp/events.$1" | sed 's/^data: //' | jq -r '.kind // .what' | sort | uniq -c | awk '{print $2 "=" $1}' | tr '\n' ' '; }
last_id() { sed -n 's/^id: //p' "$tmp/events.$1" | tail -1; }
ok "the public follows" follow public "$(url b)/events"
ok "an analyst" follow analyst -H "Authorization: Bearer $analyst" "$(url b)/events"
ok "a reader" follow reader -H "Authorization: Bearer $reader" "$(url b)/events"
ok "a token that may not read" follow publish -H "Authorization: Bearer $publish" "$(url b)/events"
ok "for essays alone" follow essays "$(url b)/events?kind=culture/essay"
clear=$(say clear culture/note "for all")
amber=$(say amber culture/word "for few" --to b.example)
for i in 1 2 3; do essay=$(say clear culture/essay "essay $i"); done
end=$(say clear culture/end "the end")
has() { records "$1" | grep -qx "$2"; }
for f in public analyst reader publish; do ok "$f hears the last" until_true has $f "$end"; done
ok "the analyst hears of what is for few" until_true has analyst "$amber"
ok "and of what waits, once or as often as its count doubled" until_true grep -q '"what":"content-held"' "$tmp/events.analyst"
ok "the public what is for all" eval 'is "$(kinds public)" "culture/end=1 culture/note=1 "'
ok "a token for publishing, too" eval 'is "$(kinds publish)" "culture/end=1 culture/note=1 "'
ok "a reader no notices for analysts" eval 'is "$(kinds reader)" "culture/end=1 culture/note=1 culture/word=1 "'
ok "nothing of what they say" not grep -qE "for all|for few|essay 1" "$tmp"/events.*
ok "each says kind, origin and marking" eval 'grep -h "culture/word" "$tmp/events.analyst" | sed "s/^data: //" | jq -e ".tlp == \"amber\" and (.origin|startswith(\"a.example/\")) and (.time|startswith(\"20\"))"'
ok "what waits is no record" eval '! has analyst "$essay" && is "$(kinds essays)" ""'
ok "released it is" eval 'node b policy release "$essay" --reason read >/dev/null'
ok "and whoever follows essays hears it" until_true has essays "$essay"

# ---- cut off ----
from=$(last_id public)
kill "$(cat "$tmp/follow-public.pid")"
for i in $(seq 40); do say clear culture/note "while away $i"; done >"$tmp/away"
ok "it was away, and gets what came since" eval 'until_true eval "is \"\$(fact b a.example size)\" \"\$(fact a a.example size)\"" && follow again -H "Last-Event-ID: $from" "$(url b)/events" && until_true has again "$(tail -1 "$tmp/away")"'
all_of() { is "$(records "$1" | grep -vx "$essay" | sort)" "$(sort "$tmp/away")"; } # contents may overtake one another
ok "each once" until_true all_of again
middle=$(sed -n 's/^id: //p' "$tmp/events.again" | sed -n 21p)
ok "the same by the address" eval 'follow since "$(url b)/events?since=$middle" && until_true has since "$(tail -1 "$tmp/away")" && ! grep -q "^event: gap" "$tmp/events.since"'
ok "from there on" eval '[ "$(records since | wc -l)" -ge 20 ] && is "$(records since)" "$(records again | tail -n "$(records since | wc -l)")"'
first_id() { curl -sN -m 2 "$(url b)/events" 2>/dev/null | sed -n '/^id: /{s///p;q}'; }
ok "nor do they say whether anything came: two streams of one viewer at one place have no id in common" eval 'one=$(first_id) two=$(first_id) && [ ${#one} = 48 ] && [ ${#two} = 48 ] && [ "${one:0:32}" != "${two:0:32}" ] && [ "${one:32}" != "${two:32}" ] && [ "${one:16}" != "${two:16}" ]'
ok "ids do not count" eval 'sed -n "s/^id: //p" "$tmp/events.again" | cut -c17-22 | sort | uniq -d | wc -l | grep -qx 0'
ok "one viewer's place is not another's" eval 'follow other -H "Authorization: Bearer $analyst" -H "Last-Event-ID: $middle" "$(url b)/events" && grep -q "^event: gap" "$tmp/events.other"'
ok "after a restart the place is the same" eval 'stop b && start b --alone && follow restarted -H "Last-Event-ID: $middle" "$(url b)/events" && until_true has restarted "$(tail -1 "$tmp/away")" && is "$(records restarted)" "$(records since)"'
ok "an index made again tells of the gap, and all that it has" eval 'node b rebuild >/dev/null && follow rebuilt -H "Last-Event-ID: $middle" "$(url b)/events" && until_true has rebuilt "$clear" && grep -q "^event: gap" "$tmp/events.rebuilt"'
for query in "only=x" "topic=weather" "since=$(printf x%.0s $(seq 49))"; do
    ok "refused: $query" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" "$(url b)/events?$query")" 400'
done
ok "a wrong token" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer tz_$(printf a%.0s $(seq 52))" "$(url b)/events")" 401'
ok "HEAD says what it is" eval 'curl -sI "$(url b)/events" | grep -qi "^content-type: text/event-stream"'

# ---- bounded, and holding no thread ----
for i in $(seq 64); do
    curl -sN --max-time 120 "$(url b)/events" -o /dev/null 2>/dev/null &
    echo $! >"$tmp/follow-$i.pid"
done
ok "the public has a number of places" until_true eval 'is "$(curl -s -m 5 -o /dev/null -w "%{http_code}" "$(url b)/events")" 503'
ok "those who are known have theirs" follow known -H "Authorization: Bearer $analyst" "$(url b)/events"
ok "pages are answered" eval 'is "$(curl -s -m 10 -o /dev/null -w "%{http_code}" "$(url b)/")" 200'
ok "a locked user hears nothing more" eval 'node b user lock analyst.one >/dev/null && last=$(say amber culture/word "secret" --to b.example) && end=$(say clear culture/end "last") && until_true has rebuilt "$end" && ! has known "$last"'
for file in "$tmp"/follow-*.pid; do kill "$(cat "$file")" 2>/dev/null; done
ok "the places are free again" until_true eval 'is "$(curl -s -m 2 -o /dev/null -w "%{http_code}" "$(url b)/events")" 200'
done_testing
