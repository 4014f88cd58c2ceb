#!/bin/bash
# Logs travel on a stick and through a plain file server, members leave with all that is theirs, and a backup never forks its node.
. "$(dirname "$0")/lib.sh"

say() { echo "$2" | node "$1" publish --kind culture/note --tlp clear --alone "${@:3}" - >/dev/null; }
init a a.example
init b b.example
init c c.example
node a import --tlp clear --format maltrail "$root/samples/maltrail/wannacry.txt" >/dev/null
ok "a pack is written" node a pack "$tmp/a.tar.zst"
ok "and taken in" node b unpack "$tmp/a.tar.zst"
ok "everything is there" same_size a b a.example
ok "it verifies" node b verify
ok "again: nothing new" eval 'node b unpack "$tmp/a.tar.zst" | grep -q "nothing new"'
damage() {
    zstd -qdc "$tmp/a.tar.zst" | sed 's/sha256 [0-9a-f]\{8\}/sha256 00000000/' | zstd -q >"$tmp/forged.tar.zst"
    node c unpack "$tmp/forged.tar.zst"
}
no "a forged pack is turned away" damage
ok "and leaves nothing" is "$(fact c a.example size | grep -v '^0$')" ""
head -c 2000 "$tmp/a.tar.zst" >"$tmp/cut.tar.zst"
no "a cut pack is an error" node c unpack "$tmp/cut.tar.zst"

ok "a static tree" node a export-static "$tmp/static"
python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/static" 0 >"$tmp/http.out" 2>/dev/null &
pids+=($!)
ok "a file server serves it" until_true grep -q 'http://' "$tmp/http.out"
static_url=$(grep -o 'http://[0-9.:]*' "$tmp/http.out" | head -1)
ok "it verifies over HTTP" node c verify "$static_url"
ok "a node takes it as a peer" eval 'node c peer add "$static_url" && node c sync'
ok "and mirrors from it" same_size a c a.example

ok "a member is hosted" node a member add --name guest.example --class private --recovery-out "$tmp/guest.recovery"
ok "it speaks" say a "guest speaks" --as guest.example
echo guest-amber | node a publish --kind culture/note --tlp amber --keep --as guest.example - >/dev/null 2>&1
ok "it leaves with its keys" node a member export guest.example "$tmp/guest.tar.zst"
no "its old host signs no more" say a "ghost" --as guest.example
ok "nobody else can take it in as a pack" eval '! node c unpack "$tmp/guest.tar.zst"'
no "nor leaves it twice" node a member export guest.example "$tmp/again.tar.zst"
ok "it arrives elsewhere" node b member move "$tmp/guest.tar.zst"
ok "with new keys" is "$(fact b guest.example keys)" 2
ok "with all it had" eval 'node b show --body guest.example/2 | grep -q guest-amber'
ok "and speaks there" say b "at home" --as guest.example
ok "the recovery key that it kept is in force" node b rotate --as guest.example --alone --recovery "$tmp/guest.recovery" \
    --recovery-out "$tmp/guest2.recovery"
ok "everything verifies" node b verify
node b pack --member guest.example "$tmp/settled.tar.zst" >/dev/null
node c unpack "$tmp/settled.tar.zst" >/dev/null
ok "a second copy of its luggage settles nowhere" eval '! node c member move "$tmp/guest.tar.zst" 2>"$tmp/why"'
ok "for its keys are in force no more" grep -q 'not the one in force' "$tmp/why"
ok "another member changes its mind" eval '
    node a member add --name fickle.example --class civil --recovery-out "$tmp/fickle.recovery" &&
    node a member export fickle.example "$tmp/fickle.tar.zst" && ! say a "ghost" --as fickle.example &&
    node a member move "$tmp/fickle.tar.zst" && say a "back again" --as fickle.example'
ok "a feed holds its member back" eval '
    node a feed add http://127.0.0.1:9/list --tlp clear --as fickle.example &&
    ! node a member export fickle.example "$tmp/no.tar.zst" 2>"$tmp/why" && grep -q "feed remove" "$tmp/why" &&
    node a feed remove http://127.0.0.1:9/list && say a "still here" --as fickle.example'

# What travels on a stick may be our own log as well: longer, or forked.
init d d.example
for i in 1 2 3; do say d "$i"; done
cp -r "$tmp/d" "$tmp/twin"
cp -r "$tmp/d" "$tmp/old"
for i in 4 5; do say d "$i"; done
for i in x y z; do say twin "$i"; done
node d pack "$tmp/d.tar.zst" >/dev/null
node twin pack "$tmp/twin.tar.zst" >/dev/null
ok "an older copy catches up from a pack" eval 'node old unpack "$tmp/d.tar.zst" && node old verify'
ok "and goes on without forking" eval 'echo 6 | node old publish --kind culture/note --tlp clear - | grep -q "/6$"'
ok "a mirror takes in one branch" node c unpack "$tmp/d.tar.zst"
ok "the other one proves the fork" eval '! node c unpack "$tmp/twin.tar.zst" 2>"$tmp/why" && grep -q "two versions of entry 4" "$tmp/why"'
ok "and the log is frozen" is "$(fact c d.example standing)" frozen
ok "its author hears of it, too" eval '! node d unpack "$tmp/twin.tar.zst" 2>"$tmp/why" && grep -q "It is our own" "$tmp/why"'
no "and signs no more" say d "ghost"

start b --alone
peer a b >/dev/null
ok "a keeps a backup" node a backup "$tmp/backup.tar.zst"
ok "which nobody else reads" is "$(stat -c %a "$tmp/backup.tar.zst")" 600
start a
peer b a >/dev/null
ok "a goes on after the backup" say a "after the backup"
ok "b has it" until_true same_size a b a.example
before=$(fact a a.example size)
stop a
ok "restored elsewhere" node restored restore "$tmp/backup.tar.zst"
ok "it signs only after it caught up" eval 'echo again | node restored publish --kind culture/note --tlp clear - >"$tmp/address"'
ok "without forking" is "$(sed 's/.*\///' "$tmp/address")" "$before"
ok "everything verifies there" node restored verify
stop b
cp -r "$tmp/restored" "$tmp/lonely"
no "no peer answers, nothing is signed" eval 'echo x | node lonely publish --kind culture/note --tlp clear - 2>"$tmp/why"'
ok "and the message says what to do" grep -q -- '--alone' "$tmp/why"
node hermit init --name hermit.example --class civil --recovery-out "$tmp/hermit.recovery" >/dev/null
node hermit backup "$tmp/hermit.tar.zst" >/dev/null
no "a backup is not put over a node" node hermit restore "$tmp/hermit.tar.zst"
ok "one without peers is restored" node reborn restore "$tmp/hermit.tar.zst"
no "and signs nothing by itself" eval 'echo x | node reborn publish --kind culture/note --tlp clear - 2>"$tmp/why"'
ok "and says why" grep -q 'restored from a backup' "$tmp/why"
ok "until somebody answers for it" eval 'echo x | node reborn publish --alone --kind culture/note --tlp clear -'
ok "once" eval 'echo x | node reborn publish --kind culture/note --tlp clear -'
done_testing
