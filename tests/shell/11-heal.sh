#!/bin/bash
# What a disk has changed in a log is found, and fetched again from whoever has it; no log is thrown away that nobody else has.
. "$(dirname "$0")/lib.sh"

init a a.example
init b b.example
seq 1 600 | sed 's/$/.listed.example/' >"$tmp/list"
ok "a has something" eval 'node a import --tlp clear --format list "$tmp/list" >/dev/null && node a erase a.example/7'
ok "both serve" eval 'start a --alone && start b && peer b a && node a peer add "$(url b)" >/dev/null'
ok "b has it all" until_true same_size a b a.example
hex=$(printf %s "$(fact a a.example origin)" | sha256sum | cut -d' ' -f1)
ok "nobody heals beside a running node" eval 'node a sync --heal 2>&1 | grep -q "nothing is damaged"'

flip() { # file, offset: one byte is another one
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf "$(printf '\\x%02x' $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
whole() { # node: everything verifies, and every value is swept for
    node "$1" verify >"$tmp/verified" || { cat "$tmp/verified"; return 1; }
    is "$(node "$1" sweep --json "$tmp/list" | jq -r .indicator | sort -u | wc -l)" 599
}
ok "all is well" eval 'whole a && whole b'
flip "$tmp/a/payloads/$hex/data" 1000
ok "what is damaged is not mended beside a running node" eval 'node a sync --heal >"$tmp/said" 2>&1; is $? 1'
ok "it says why" grep -q "another process works on this node: end it first" "$tmp/said"
flip "$tmp/a/payloads/$hex/data" 1000
ok "where no node is, there is nothing to heal" eval 'node nowhere sync --heal 2>"$tmp/said"; is $? 1'
ok "and it says so" grep -q "tongzhou init" "$tmp/said"
stop a
ok "nothing is damaged, says a" eval 'node a sync --heal | grep -q "nothing is damaged"'

flip "$tmp/a/payloads/$hex/data" 1000
flip "$tmp/a/payloads/$hex/data" 30001
flip "$tmp/a/payloads/$hex/slots" $((8 * 100 + 7)) # where it is, of entry 100
flip "$tmp/a/payloads/$hex/slots" $((8 * 200 + 1)) # whether it is here
no "verify notices" node a verify
before=$(cat "$tmp/a/payloads/$hex/"* | sha256sum)
ok "contents and slots are mended" eval 'node a sync --heal >"$tmp/healed"'
ok "it tells which" grep -qE "^damaged a.example/[^ ]*: 2 contents, 2 slots$" "$tmp/healed"
ok "and that nothing lacks" grep -qE "^healed  a.example/.*, 0 contents still lacking$" "$tmp/healed"
ok "it is whole" whole a
ok "what was erased stays so" eval '! node a show a.example/7 | grep -q listed.example'
no "it is not as it was" is "$(cat "$tmp/a/payloads/$hex/"* | sha256sum)" "$before"

flip "$tmp/a/logs/$hex/entries" 5000
no "verify notices an entry" node a verify
ok "the author's log is begun anew from its mirror" eval 'node a sync --heal >"$tmp/healed"'
ok "it tells why, and who had it" grep -qE "^damaged a.example/[^ ]*: .*; $(url b) has a whole copy$" "$tmp/healed"
ok "it is whole again" whole a
ok "and goes on" eval 'echo on | node a publish --alone --kind culture/note --tlp clear - >/dev/null && node a verify'
ok "b follows" eval 'start a && node b peer add "$(url a)" >/dev/null; until_true same_size a b a.example'

stop b
flip "$tmp/b/logs/$hex/hashes.1" 40
no "verify notices a hash of a mirror" node b verify
ok "the mirror is begun anew from its author" eval 'node b sync --heal 2>"$tmp/said" | grep "^healed  a.example/.*, 0 contents still"'
ok "and is whole" whole b
stop a
flip "$tmp/a/logs/$hex/hashes.0" 4000
before=$(cat "$tmp/a/logs/$hex/"* | sha256sum)
no "without a peer that has it nothing is done" eval 'node a sync --heal >"$tmp/said" 2>&1'
ok "and it says so" grep -q "no peer has a whole copy" "$tmp/said"
ok "every byte is where it was" is "$(cat "$tmp/a/logs/$hex/"* | sha256sum)" "$before"
done_testing
