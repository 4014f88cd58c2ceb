#!/bin/bash
# What a member withdraws is on no file of any obeying node afterwards, running or not, full text and sweep set included.
. "$(dirname "$0")/lib.sh"

for name in a b c; do init $name $name.example; done
word=marker$RANDOM$RANDOM$RANDOM
cat >"$tmp/object.json" <<J
{"type":"indicator","spec_version":"2.1","id":"indicator--2f6d1a0e-5c3b-4b7e-9a41-7d0c8e6b1f53",
"created":"2026-11-01T08:00:00.000Z","modified":"2026-11-01T08:00:00.000Z","name":"named $word","description":"told of $word",
"pattern":"[domain-name:value = '$word.example']","pattern_type":"stix","valid_from":"2026-11-01T08:00:00Z"}
J
ok "an indicator goes in" node a import --tlp clear "$tmp/object.json"
ok "and others, so that pages split" eval 'for i in $(seq 3000); do echo "host$i.many.example"; done | node a import --tlp clear --format list - >/dev/null'
ok "a, b and c serve" eval 'start a --alone && start b --alone && start c --alone && peer b a && peer c b'
ok "b and c have it" eval 'until_true same_size a b a.example && until_true same_size a c a.example'
found() { curl -sf "$(url "$1")/intelligence/results?q=$word" | grep -q "$word.example"; }
ok "it is found by search" eval 'until_true found b && until_true found c'
ok "it is swept for" eval 'echo "query $word.example" | node c sweep - | grep -q "$word"'
rm "$tmp/object.json"
ok "it is withdrawn" node a erase a.example/1
for name in a b c; do
    ok "no file of $name holds it any more" until_true nowhere "$word" "$tmp/$name"
    ok "$name does not find it" eval "! curl -s '$(url $name)/intelligence/results?q=$word' | grep -q '$word.example'"
done
ok "all logs verify" eval 'node a verify && node b verify && node c verify'
ok "nothing is swept for it" eval 'echo "query $word.example" | node c sweep -; [ $? = 1 ]'
for name in a b c; do stop $name; done
ok "stopped, still nothing" nowhere "$word" "$tmp/a" "$tmp/b" "$tmp/c"
done_testing
