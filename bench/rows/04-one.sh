# What one new record costs among a million: the peer's requests and bytes, counted by whoever pulls.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

filled "$records"
cp -r --reflink=auto "$filled_dir" "$work/a" || fail "copy"
serve "$work/a"
init "$work/b" b.example
node "$work/b" peer add "$served_url" >/dev/null || fail "peer add"
"$tools/bench_sync" "$work/b" >"$work/first" || fail "first round"
is "$(jq .payloads "$work/first")" "$records" "contents of the first round"
settle "$served_pid"

one() { # a record of about 1 kB, then a round: its report is in $work/out
    head -c 700 /dev/urandom | base64 -w 76 >"$work/note"
    node "$work/a" publish --alone --kind culture/note --tlp clear "$work/note" >/dev/null || fail publish
    measure "$tools/bench_sync" "$work/b" || fail "round: $(cat "$work/err")"
    is "$(jq -r '"\(.entries) \(.payloads)"' "$work/out")" "1 1" "entries and contents of the round"
}

one
one
payload=$(($(stat -c %s "$work/note") + 36 + 91)) # with salt, length and entry
result requests "one new record among $records: requests" "$(jq .requests "$work/out")" "" --goal '<=' 5
result bytes "bytes received besides the record" "$(($(jq .bytes_in "$work/out") - payload))" "" --goal '<=' 8000
result sent "bytes sent" "$(jq .bytes_out "$work/out")" ""
result time "time" "$(calc "$(jq .seconds "$work/out") * 1000")" ms
measure "$tools/bench_sync" "$work/b" || fail "round: $(cat "$work/err")"
is "$(jq .entries "$work/out")" 0 "entries of an idle round"
result idle "a round without news: requests" "$(jq .requests "$work/out")" ""
result idle.bytes "a round without news: bytes received" "$(jq .bytes_in "$work/out")" ""
stop "$served_pid"
