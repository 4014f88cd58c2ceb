# The disk itself, so that the durable rows can be read: no goal.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

measure "$tools/bench_disk" "$work/file" 1000 || fail "$(cat "$work/err")"
result write "disk: writing new blocks, each 16 MB synced" "$(jq .first_mb_s "$work/out")" MB/s
result again "disk: writing the same blocks again" "$(jq .again_mb_s "$work/out")" MB/s
result sync "disk: 4 kB and fdatasync, median" "$(jq .sync_ms "$work/out")" ms
