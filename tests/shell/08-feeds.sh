#!/bin/bash
# A feed is fetched only when it changed, duplicates are known, and what vanishes from it is marked.
. "$(dirname "$0")/lib.sh"

init a a.example
mkdir "$tmp/www"
printf 'one.example\ntwo.example\n' >"$tmp/www/list.txt"
python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/www" 0 >"$tmp/http.out" 2>"$tmp/http.log" &
pids+=($!)
until_true grep -q 'http://' "$tmp/http.out"
feed=$(grep -o 'http://[0-9.:]*' "$tmp/http.out" | head -1)/list.txt
no "no TLP, no feed" node a feed add "$feed"
ok "a feed is added" node a feed add "$feed" --every 1m --tlp clear --format list
ok "the node runs" start a --alone
has() { node a export list | grep -qx "$1"; }
ok "its items arrive" eval 'until_true has one.example && until_true has two.example'
ok "they are records" eval 'is "$(fact a a.example size)" 3'
ok "it is listed" eval 'node a feed list | grep -q "2 items"'
printf 'one.example\nthree.example\n' >"$tmp/www/list.txt"
touch -d '+2 seconds' "$tmp/www/list.txt"
due() { sqlite3 -cmd ".timeout 60000" "$tmp/a/state.db" "UPDATE feed SET due_ms = 0"; }
due
ok "what is new arrives" until_true has three.example
gone() { ! has two.example; }
ok "what vanished is marked and no longer exported" until_true gone
ok "nobody forgets that it was there" eval 'node a log --limit 0 --json | grep -c two.example | grep -qx 2'
size=$(fact a a.example size)
due
conditional() { [ "$(grep -c '" 304 ' "$tmp/http.log")" -ge 1 ]; }
ok "an unchanged feed is not sent again" until_true conditional
ok "and adds nothing" is "$(fact a a.example size)" "$size"
printf 'one.example\n' | gzip -c | head -c 25 >"$tmp/www/list.txt"
touch -d '+4 seconds' "$tmp/www/list.txt"
due
ok "one that is cut off fails, and the node says so" until_true grep -q "feed $feed: the archive cannot be unpacked" "$tmp/a.log"
ok "nothing vanishes by that" has three.example
ok "it is removed" node a feed remove "$feed"
done_testing
