#!/bin/bash
# What is typed wrongly costs nothing: no key, file or folder is lost, and the message says what to do.
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 1

said() { # words in the last message
    grep -qF -- "$1" "$tmp/err" || { cat "$tmp/err"; return 1; }
}
status() { # wanted, node, arguments...: what it says is in out and err
    local wanted=$1 name=$2
    shift 2
    node "$name" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    is $? "$wanted" || { cat "$tmp/err"; return 1; }
}

init a a.example
init b b.example
printf 'evil.example\n' >list
echo hello >note

# Keys and folders.
two_guests() {
    node a member add --name g.example --class civil --recovery-out g.recovery &&
        node a member add --name h.example --class civil --recovery-out h.recovery
}
ok "two members live on a node" two_guests
ok "one leaves" node a member export g.example guest.tar.zst
cp guest.tar.zst kept
ok "another does not write over its only keys" status 1 a member export h.example guest.tar.zst
ok "which it says" said "name another file"
ok "they are as they were" cmp kept guest.tar.zst
ok "and it leaves with another file" node a member export h.example h.tar.zst
ok "a recovery key is written over by no new member" status 1 a member add --name i.example --class civil --recovery-out g.recovery
ok "and it says which option helps" said "--recovery-out"
ok "a node's folder is no place for a web server's files" eval 'status 1 a export-static "$tmp/a" && [ ! -e a/heads ]'
ok "a recovery key without a place makes no folder" eval 'status 1 new init --name n.example --class civil --recovery-out "$tmp/none/key" && [ ! -e new ]'
ok "nor does a log that cannot be what is succeeded" eval 'status 2 new init --name n.example --class civil --succeeds n.example --recovery note && [ ! -e new ]'
ok "nor a recovery key that is not there" eval 'status 1 new init --name n.example --class civil --succeeds "n.example/$(printf "a%.0s" {1..52})" --recovery none && [ ! -e new ]'
mkfifo pipe
ok "a device or a pipe is not replaced by a file" eval 'status 1 a export list -o pipe && [ -p pipe ] && said "ordinary file"'
ln -s target link
echo old >target
ok "a link stays a link" eval 'node a export list -o link && [ -L link ] && ! grep -q old target'
ok "a trial changes nothing" eval 'node a import --local --dry-run list >out && grep -q "would be added to local" out && ! node a members | grep -q "^local"'

# Files.
ok "what follows a missing file is imported" eval 'status 1 a import --tlp clear missing list && grep -q "^list: 1 read, 1 added" out && said "missing: No such file"'
ok "a result names file and member" eval 'is "$(node a import --tlp clear --json list | jq -r "[.file, .duplicates, .dry_run]|@csv")" "\"list\",1,false"'
ok "standard input is called so" eval 'echo "no thing" | node a import --tlp clear --format list - 2>&1 | grep -q "^(standard input):1: bad"'
done_testing
