# A round over ten thousand logs with one new record each.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

"$tools/bench_logs" make "$work/host" "$hosted" || fail "bench_logs make"
serve "$work/host"
init "$work/b" b.example
node "$work/b" peer add --quota-logs $((hosted + 10)) "$served_url" >/dev/null || fail "peer add"
measure "$tools/bench_sync" "$work/b" || fail "first round: $(cat "$work/err")"
is "$(jq .logs "$work/out")" $((hosted + 1)) "logs of the first round"
result first "first round over $hosted logs of one entry" "$(jq .seconds "$work/out")" s
measure "$tools/bench_logs" append "$work/host" || fail "bench_logs append: $(cat "$work/err")"
is "$(jq .logs "$work/out")" "$hosted" "logs appended to"
result append "one record of 300 bytes into each, each durable" "$(jq .seconds "$work/out")" s
settle "$served_pid"
# A limit below the goal's: with more descriptors the round would fail.
measure prlimit --nofile=199 "$tools/bench_sync" "$work/b" || fail "round: $(cat "$work/err")"
is "$(jq -r '"\(.logs) \(.entries) \(.payloads)"' "$work/out")" "$hosted $hosted $hosted" "logs, entries, contents of the round"
goal=()
[ "$hosted" = 10000 ] && goal=(--goal '<=' 10)
result round "a round over $hosted logs with one new record each" "$(jq .seconds "$work/out")" s "${goal[@]}"
result descriptors "the same, most descriptors (limit set to 199)" "$(jq .descriptors "$work/out")" "" --goal '<=' 199
result descriptors.served "descriptors of the node that serves them" "$(find "/proc/$served_pid/fd" -mindepth 1 | wc -l)" "" --goal '<=' 199
result bytes "bytes received a log" "$(whole "$(jq .bytes_in "$work/out") / $hosted")" ""
result sent "bytes sent a log" "$(whole "$(jq .bytes_out "$work/out") / $hosted")" ""
result requests "requests a log" "$(calc "$(jq .requests "$work/out") / $hosted")" ""
result commits "commits" "$(jq .commits "$work/out")" ""
measure "$tools/bench_sync" "$work/b" || fail "idle round: $(cat "$work/err")"
is "$(jq .entries "$work/out")" 0 "entries of an idle round"
result idle "a round without news" "$(jq .seconds "$work/out")" s
stop "$served_pid"
