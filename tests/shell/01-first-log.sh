#!/bin/bash
# One organisation keeps a signed log: what it said comes back byte for byte, is proven, and can be taken back.
. "$(dirname "$0")/lib.sh"

ok "a node is made" init a cert.example
ok "its keys are readable by nobody else" is "$(find "$tmp/a/keys" -type f -perm /077 | wc -l)" 0
no "not twice" init a cert.example
printf 'first line\nsecond line, 同舟\n' >"$tmp/body"
publish() { node a publish --kind culture/note --tlp clear --type text/plain --lang en "$tmp/body" >"$tmp/address"; }
ok "a record is published" publish
index=$(sed 's/.*\///' "$tmp/address")
ok "it is entry 1" is "$index" 1
ok "its body is what went in" cmp "$tmp/body" <(node a show --body cert.example/1)
ok "the log lists it" eval 'node a log --json | grep -q "\"kind\":\"culture/note\""'
node a show --proof cert.example/1 >"$tmp/proof"
node a show --entry cert.example/1 >"$tmp/entry"
ok "a proof is a tlog-proof file" is "$(head -1 "$tmp/proof")" "c2sp.org/tlog-proof@v1"
ok "the entry is a seal of 89 bytes" is "$(wc -c <"$tmp/entry")" 89
ok "the proof verifies" node a verify --entry "$tmp/entry" "$tmp/proof"
node a show --entry cert.example/0 >"$tmp/other"
no "not over another entry" node a verify --entry "$tmp/other" "$tmp/proof"
ok "the log verifies" node a verify
flip() { # damage one byte of an entry in the database's tail: the log must not verify any more
    cp -r "$tmp/a" "$tmp/damaged"
    sqlite3 "$tmp/damaged/state.db" "UPDATE tail SET entry = replace(entry, 'sha256', 'sha255') WHERE ref % 1099511627776 = 1"
    ! "$bin" -C "$tmp/damaged" verify
}
ok "a damaged log does not verify" flip
ok "red stays here" eval 'node a publish --kind culture/note --tlp red --keep "$tmp/body" 2>&1 | grep -q "stays on this node"'
no "a kind out of form is refused" node a publish --kind Culture --tlp clear "$tmp/body"
no "a constitutional kind is refused" node a publish --kind connect/profile --tlp clear "$tmp/body"
no "a record without TLP is refused" node a publish --kind culture/note "$tmp/body"
ok "many records" eval 'for i in $(seq 300); do echo "$i" | node a publish --kind culture/note --tlp clear - || exit 1; done'
ok "they verify" node a verify cert.example
ok "the newest comes first" eval 'node a log --limit 1 --json | grep -q "\"index\":302"'
marker="marker-$RANDOM-$RANDOM-$RANDOM"
echo "$marker" | node a publish --kind culture/note --tlp clear - >/dev/null
ok "the marker is stored" grep -rqaF "$marker" "$tmp/a"
ok "it is erased" node a erase cert.example/303
ok "no file holds it" nowhere "$marker" "$tmp/a"
ok "the log verifies as before" node a verify
ok "its seal is still there" eval 'node a show --entry cert.example/303 | grep -q "^sha256 "'
no "its content is not" node a show cert.example/303
no "profiles cannot be erased" node a erase cert.example/0
ok "rebuild" node a rebuild
ok "the index is the same" eval 'node a log cert.example --limit 0 --json | wc -l | grep -qx 305'
done_testing
