# A node that holds a million records and does nothing; and the size of the program.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

filled "$records"
serve "$filled_dir"
curl -sf -o /dev/null "$served_url/healthz" || fail "the node does not answer"
settle "$served_pid"
result resident "idle node with $records records, resident memory" "$(calc "$(resident_kb "$served_pid") / 1024")" MB --goal '<=' 40
result own "of it, not a mapped file" "$(calc "$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$served_pid/status") / 1024")" MB
before=$(awk '{ print $14 + $15 }' "/proc/$served_pid/stat")
sleep "$seconds"
after=$(awk '{ print $14 + $15 }' "/proc/$served_pid/stat")
result processor "its processor time while nothing happens" "$(calc "($after - $before) / $(getconf CLK_TCK) / $seconds * 1000")" ms/s
strip -o "$work/stripped" "$bin" || fail strip
result binary "the program, stripped" "$(calc "$(stat -c %s "$work/stripped") / 1e6")" MB --goal '<=' 5
result binary.debug "the program as built, with what debuggers need" "$(calc "$(stat -c %s "$bin") / 1e6")" MB
