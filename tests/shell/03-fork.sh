#!/bin/bash
# A log that says two things is proven to have done so, frozen everywhere, and its member goes on in a succeeding log.
. "$(dirname "$0")/lib.sh"

say() { echo "$2" | node "$1" publish --kind culture/note --tlp clear --alone - >/dev/null; }
for name in a b c d; do init $name $name.example; done
say a one
say a two
cp -r "$tmp/a" "$tmp/twin" # a cloned disk: the commonest fork of all
say a three
say twin drei
say twin vier
start a --alone
start b --alone
start c --alone
ok "b mirrors the one branch" eval 'peer b a && until_true same_size a b a.example'
stop a
ok "the other branch comes up" start twin --alone
ok "c mirrors that" eval 'peer c twin && until_true same_size twin c a.example'
ok "b and c meet" eval 'peer b c && peer c b'
frozen_at() { is "$(fact "$1" a.example standing)" frozen; }
ok "b proves the fork and freezes the log" until_true frozen_at b
ok "c too" until_true frozen_at c
ok "d, which never saw either branch, learns of it" eval 'start d --alone && peer d b'
ok "d checks the proof and freezes" until_true frozen_at d
ok "the proof is a record in somebody's log" eval 'node d log --kind connect/fork --json | grep -q connect/fork'
ok "what was said before the fork is still there" eval 'node b log a.example --json --limit 0 | grep -q "\"index\":1"'
stop twin
ok "the member goes on in a succeeding log" node a init --name a.example --class civil --alone \
    --succeeds "$(fact a a.example origin | head -1)" --recovery "$tmp/a.recovery" --recovery-out "$tmp/a2.recovery"
no "not with somebody else's recovery key" node d init --name a.example --class civil --alone \
    --succeeds "$(fact d a.example origin | head -1)" --recovery "$tmp/d.recovery" --recovery-out "$tmp/x.recovery"
ok "the new log speaks" say a "here again"
done_testing
