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
old=$(fact a a.example origin)
succeed() { # recovery key
    node a init --name a.example --class civil --alone --succeeds "$old" --recovery "$1" --recovery-out "$tmp/a2.recovery"
}
no "a log in good standing is not succeeded" succeed "$tmp/a.recovery"
learns() { node a sync; frozen_at a; }
ok "the member itself learns of it" eval 'peer a b && until_true learns'
no "and signs nothing more there" say a "as if nothing had been"
no "it goes on, but not with somebody else's recovery key" succeed "$tmp/d.recovery"
ok "it goes on in a succeeding log" succeed "$tmp/a.recovery"
speaks() { # in the new log
    local address
    address=$(echo "here again" | node a publish --kind culture/note --tlp clear --alone -) || return
    case $address in
        "${old%/*}/"*) [ "${address%/*}" != "$old" ] ;;
        *) false ;;
    esac
}
ok "where it speaks from now on" speaks
ok "everything verifies" node a verify
done_testing
