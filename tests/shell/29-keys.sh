#!/bin/bash
# Keys under a passphrase are good for nothing without it: on the disk, in a backup, at the command line, for a node that starts.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/given"
give() { printf '%s\n' "$2" >"$tmp/given/$1" && chmod 600 "$tmp/given/$1"; } # credential, what it says
with() { CREDENTIALS_DIRECTORY=$tmp/given "$@"; }
plain() { grep -qE '^log [A-Za-z0-9+/=]{44}$' "$tmp/$1"/keys/*.key; }
say() { echo "$1" | "$bin" -C "$tmp/n" publish --kind culture/note --tlp clear --alone -; }
unasked() { env -u CREDENTIALS_DIRECTORY setsid -w "$@"; } # without a terminal to be asked at

init n n.example
ok "keys are plain text, and nobody else's to read" eval 'plain n && is "$(find "$tmp/n" -perm /077)" ""'
give passphrase "a boat for all"
ok "keys encrypt" with node n keys encrypt
no "no key is in plain text" plain n
ok "nor is anything readable by others" eval 'is "$(find "$tmp/n" -perm /077)" ""'
ok "with the passphrase something is said" with say one
no "without: nothing" eval 'echo two | unasked "$bin" -C "$tmp/n" publish --kind culture/note --tlp clear --alone -'
give passphrase "another boat"
no "with another: nothing" with say three
ok "and it says so" eval 'with say three 2>&1 | grep -q "not the passphrase of the keys"'
ok "what needs no key needs no passphrase" eval 'node n log | grep -q "culture/note"'
no "a credential that everybody may read" eval 'chmod 644 "$tmp/given/passphrase"; with say four'

give passphrase "a boat for all"
give new-passphrase "a larger boat for all"
ok "keys passphrase" with node n keys passphrase
no "the old one is none any more" with say five
give passphrase "a larger boat for all"
ok "the new one is" with say six

# ---- a node that runs ----
no "a node does not start without" eval 'unasked "$bin" -C "$tmp/n" serve --alone --listen 127.0.0.1:0 </dev/null'
CREDENTIALS_DIRECTORY=$tmp/given start n --alone
node n user add li.wei --role publisher --no-password >/dev/null
token=$(node n token add li.wei pages --scope publish | head -1)
ok "one that was started with it signs" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $token" -F kind=culture/note -F tlp=clear -F type=text/plain -F body=seven "$(url n)/publish")" 303 && node n log | grep -q seven'
no "its keys are not changed meanwhile" with node n keys decrypt
stop n

# ---- a backup, and a rotation ----
ok "backup" node n backup "$tmp/b.tar.zst"
ok "holds them locked" eval 'mkdir "$tmp/b" && tar -C "$tmp/b" --zstd -xf "$tmp/b.tar.zst" 2>/dev/null; ! plain b && grep -q "^tongzhou-locked/1 " "$tmp"/b/keys/*.key'
ok "rotate" with node n rotate --alone
no "the new log key is locked, too" plain n
ok "keys decrypt" with node n keys decrypt
ok "plain text again" eval 'plain n && [ ! -e "$tmp/n/keys/vault" ]'
ok "and nobody is asked" eval 'echo eight | unasked "$bin" -C "$tmp/n" publish --kind culture/note --tlp clear --alone -'

# ---- from the beginning ----
ok "init --passphrase" with init m m.example --passphrase
no "no key was ever in plain text" plain m
done_testing
