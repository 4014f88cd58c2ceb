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
ok "nor is a file called -" eval 'status 1 a pack - && [ ! -e - ] && said "name a file"'
ln -s target link
echo old >target
ok "a link stays a link" eval 'node a export list -o link && [ -L link ] && ! grep -q old target'
ok "a trial changes nothing" eval 'node a import --local --dry-run list >out && grep -q "would be added to local" out && ! node a members | grep -q "^local"'

# Files.
members_in_manual() { # command...: every member of its JSON stands in the command's own part of the manual
    local section key keys
    section=$(sed -n "/^\\.SS $1\$/,/^\\.S[SH] /p" "$root/man/tongzhou.1")
    keys=$(node a "$@" --json 2>/dev/null | jq -r '.. | objects | keys[]' | sort -u)
    [ "$(wc -w <<<"$keys")" -ge 6 ] || { echo "$keys"; return 1; }
    for key in $keys; do grep -qw "$key" <<<"$section" || { echo "$1: $key"; return 1; }; done
}
ok "members of JSON are in the manual: status" members_in_manual status
ok "members" members_in_manual members
ok "import" members_in_manual import --tlp clear list
ok "log" members_in_manual log
ok "sweep" members_in_manual sweep list
ok "what follows a missing file is imported" eval 'status 1 a import --tlp clear missing list && grep -q "^list: 1 read, " out && said "missing: No such file"'
ok "a result names file and member" eval 'is "$(node a import --tlp clear --json list | jq -r "[.file, .duplicates, .dry_run]|@csv")" "\"list\",1,false"'
ok "standard input is called so" eval 'echo "no thing" | node a import --tlp clear --format list - 2>&1 | grep -q "^(standard input):1: bad"'

# Names, as lists show them.
start a --alone
url=$(cat a.url)
ok "a peer is added" node b peer add "$url"
ok "and asked by its address with a slash" node b sync "$url/"
ok "by its member's name" node b sync a.example
short=$(node b peer list | grep -o 'a\.example/[a-z2-7]*…')
ok "or as the list shows it" node b sync "$short"
origin=$(node b members --json | jq -r .origin | grep '^a\.')
said_ref() { # a reference as typed: as the record holds it
    node b show "$(node b publish --kind culture/note --tlp clear --ref "$1" note)" | sed -n 's/^ref //p'
}
ok "a reference may be short, and is whole in the record" eval 'is "$(said_ref a.example/1)" "$origin/1"'
ok "as the list shows it" eval 'is "$(said_ref "$short/1")" "$origin/1"'
ok "whole" eval 'is "$(said_ref "$origin/1")" "$origin/1"'
ok "or a URI" eval 'is "$(said_ref "urn:isbn:1/2")" "urn:isbn:1/2"'
ok "nothing that others hear tells of the local log" eval 'node b publish --local --kind culture/note --tlp red note >local && status 1 b publish --kind culture/note --tlp clear --ref local/1 note && said "is a local log"'
ok "by its whole name neither" status 1 b publish --kind culture/note --tlp clear --ref "$(cat local)" note
ok "nor is it said to it" status 1 b publish --kind culture/note --tlp amber --to local note
ok "within it one refers to it" node b publish --local --kind culture/note --tlp red --ref local/1 note
ok "what nobody said is no reference" status 1 b publish --kind culture/note --tlp clear --ref a.example/99 note
ok "an audience may be short, too" eval 'node b show "$(node b publish --kind culture/note --tlp amber --to a.example note 2>/dev/null)" | grep -qx "to $origin"'
ok "a stranger is nobody" status 1 b publish --kind culture/note --tlp amber --to stranger.example note
ok "a peer is dropped by its name" node b peer remove a.example
finger=${origin#*/}
ok "half a fingerprint is no fingerprint" status 2 b peer add --origin "${finger:0:20}" "$url"
ok "nor is a name" status 2 b peer add --origin a.example "$url"
ok "one that was read out in capitals is" node b peer add --origin "${finger^^}" "$url"
ok "a log of which nothing is here is no verified one" eval 'status 0 b follow "c.example/$(printf "a%.0s" {1..52})" && status 1 b verify c.example && said "no entry of it is here"'
ok "an address that does not answer is named" eval 'status 1 b verify http://127.0.0.1:1 && said "http://127.0.0.1:1: /heads"'
ok "what others serve is verified without a node of one's own" eval 'status 0 nobody verify "$url" && grep -q "^ok      a.example/" out && [ ! -e nobody ]'
ok "what is here is not" eval 'status 1 nobody verify && said "no node here"'
ok "somebody else's word is not ours to erase" eval 'status 1 b erase a.example/1 && said "does not live on this node"'
stop a

# Words that do not go together.
ok "one way to show" status 2 b show --proof --body b.example/0
ok "an entry without a proof" status 2 b verify --entry note
ok "a proof without an entry" status 2 b verify note
ok "neither member nor file" eval 'status 1 b verify ./none && said "no file"'
ok "how many, but not recent" status 2 b follow --recent 5 a.example
ok "a kind that cannot be" status 2 b log --kind "no kind"
ok "a language that cannot be" status 2 b publish --kind culture/note --tlp clear --lang "zh Hans" note
ok "an empty media type" status 2 b publish --kind culture/note --tlp clear --type "" note
ok "an address to listen at that cannot be" status 2 b serve --listen nowhere
ok "a member without a name, wherever" status 2 none member add --class civil
ok "a file is no node" eval '! "$bin" -C note status 2>err && said "is a file"'
ok "a feed's address may have a query" eval 'node b feed add --tlp clear "http://127.0.0.1:1/get?kind=domain" && node b feed list | grep -qF "get?kind=domain  every 1h  TLP:clear"'
ok "what is local is called so" eval 'node b feed add --local "http://127.0.0.1:1/l" && node b feed list | grep -qF "/l  every 1h  local"'
ok "to standard output by name" eval 'node b export list -o - | grep -q "^evil.example$" && [ ! -e - ]'
ok "a reader that has seen enough is no error of an export" eval 'seq -f "host%g.example" 20000 | node b import --local --format list - >/dev/null && node b export --all list | head -1 >/dev/null; is "${PIPESTATUS[0]}" 0'
ok "nor of a sweep" eval 'yes "GET http://evil.example/" | head -20000 >big; node b sweep big | head -1 >/dev/null; is "${PIPESTATUS[0]}" 0'
ok "the folder behind the command: it says where it belongs" eval '! "$bin" log -C b 2>err && said "before the command"'
ok "an empty folder name is a mistake" eval '"$bin" -C "" log 2>err; is $? 2'
ok "--help before the command" eval '"$bin" --help import | grep -q "^tongzhou import"'
ok "help on help" eval '"$bin" help help | grep -q "^usage: tongzhou"'
ok "a wrong second word is named" eval '"$bin" peer frob 2>err; is $? 2 && said "no command peer frob" && said "peer list"'
ok "help on it, too" eval '"$bin" help peer frob 2>err; is $? 2 && said "no command peer frob"'

# The completion, word by word.
offered() { # words of the command line, the last one being typed: what is offered
    bash -c 'source "$0/completion/tongzhou.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tongzhou; printf "%s\n" "${COMPREPLY[@]}"' "$root" "$bin" "$@"
}
offers() { # what it must offer, words...
    local wanted=$1
    shift
    offered "$@" | grep -qx -e "$wanted" || { echo "$*: no $wanted in:"; offered "$@"; return 1; }
}
every_word() {
    local line first second option
    while read -r line; do
        read -r first second <<<"$line"
        offers "$first" "${first:0:1}" || return 1
        offers "$first" -C b "${first:0:1}" || return 1
        offers "$first" help "${first:0:1}" || return 1
        [ -z "$second" ] || offers "$second" "$first" "" || return 1
        for option in $("$bin" --words "$line"); do
            # shellcheck disable=SC2086
            offers "$option" $line "${option:0:2}" || return 1
        done
    done < <("$bin" --words)
}
ok "every command and every option is offered" every_word
mkdir folder
ok "a folder behind -C" offers folder -C fo
ok "words of the Traffic Light Protocol" offers amber+strict import --tlp am
ok "classes" offers intergovernmental member add --class int
ok "formats to import" offers maltrail feed add --format m
ok "and to export" offers rpz export r
ok "files" offers note sweep --stats no
ok "required options stand without brackets" eval 'node a publish --help | grep -qF "publish --kind K --tlp T [--type M]"'
ok "a local log is in no pack, and it is said why" eval 'node b pack --member local p.tar.zst 2>err; is $? 1 && said "stays on this node"'
ok "the index is made again" eval 'before=$(node b log --limit 0 --json | sort | sha256sum) && node b rebuild && is "$(node b log --limit 0 --json | sort | sha256sum)" "$before"'
done_testing
