#!/bin/bash
# Keys change, signed by the old key or the recovery key, and everybody who mirrors follows; stolen old keys sign nothing.
. "$(dirname "$0")/lib.sh"

say() { echo "$2" | node "$1" publish --kind culture/note --tlp clear --alone - >/dev/null; }
init a a.example
init b b.example
say a one
cp -r "$tmp/a" "$tmp/thief"
start a --alone
start b --alone
peer b a >/dev/null
ok "b mirrors" until_true same_size a b a.example
no "the log key names no recovery key" node a rotate --recovery-out "$tmp/a.recovery2"
ok "the key rotates, the recovery key stays" eval 'node a rotate | grep -q "recovery key stays as it is"'
ok "b follows" until_true same_size a b a.example
ok "b knows two keys" is "$(fact b a.example keys)" 2
say a two
ok "and goes on following" until_true same_size a b a.example
ok "the recovery key rotates too" node a rotate --recovery "$tmp/a.recovery" --recovery-out "$tmp/a.recovery2"
no "the used-up recovery key does not" node a rotate --recovery "$tmp/a.recovery" --recovery-out "$tmp/a.recovery3"
say a three
ok "b follows again" until_true same_size a b a.example
ok "three keys" is "$(fact b a.example keys)" 3
ok "all verify" eval 'node a verify && node b verify'
for i in 1 2 3 4 5 6; do say thief "not me $i"; done # longer than the honest log: else nobody would even look
start thief --alone
peer b thief >/dev/null
ok "b names the peer that serves a retired key" until_true eval 'node b sync 2>&1 | grep -q "signed by a key retired"'
ok "and keeps the log in good standing" is "$(fact b a.example standing)" good
done_testing
