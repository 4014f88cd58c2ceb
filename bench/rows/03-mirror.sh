# Mirroring a large log: every byte fetched, verified, stored durably, cosigned; indexing apart. Beside it curl, fetching the
# same bundles of entries and contents to disk over as many connections. Tiles of hashes are fetched by neither: a mirror
# computes them.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
connections=8 # SYNC_WINDOW

filled "$records"
serve "$filled_dir"
settle "$served_pid"
hex=$(fact "$filled_dir" a.example origin | tr -d '\n' | sha256sum | cut -d' ' -f1)
size=$(fact "$filled_dir" a.example size)

addresses() { # of all full and partial bundles: curl's configuration
    awk -v base="$served_url/logs/$hex" -v size="$size" -v out="$work/curl" 'BEGIN {
        full = int(size / 256)
        for (n = 0; n * 256 < size; n++) {
            path = sprintf("%03d", n % 1000)
            for (rest = int(n / 1000); rest > 0; rest = int(rest / 1000)) path = sprintf("x%03d/", rest % 1000) path
            part = n == full ? ".p/" size % 256 : ""
            printf "url=\"%s/tile/entries/%s%s\"\noutput=\"%s/e%d\"\n", base, path, part, out, n
            printf "url=\"%s/payload/%d\"\noutput=\"%s/p%d\"\n", base, n, out, n
        }
    }'
}

with_curl() {
    rm -rf "$work/curl"
    mkdir "$work/curl"
    measure curl -sS --fail --no-progress-meter --parallel --parallel-max $connections -K "$work/addresses" || fail "curl: $(tail -3 "$work/err")"
}

mirror() {
    rm -rf "$work/b"
    init "$work/b" b.example
    node "$work/b" peer add "$served_url" >/dev/null || fail "peer add"
    measure "$tools/bench_sync" "$work/b" || fail "sync: $(cat "$work/err")"
    is "$(jq -r '"\(.entries) \(.payloads)"' "$work/out")" "$size $records" "entries and contents pulled"
}

least() { # the smaller of two numbers
    awk -v a="$1" -v b="$2" 'BEGIN { print (a < b ? a : b) }'
}

addresses >"$work/addresses"
with_curl
curl_s=$(measured seconds)
fetched=$(du -sb --apparent-size "$work/curl" | cut -f1)
mirror
ours_s=$(jq .seconds "$work/out")
with_curl
curl_s=$(least "$curl_s" "$(measured seconds)")
rm -rf "$work/curl"
mirror
ours_s=$(least "$ours_s" "$(jq .seconds "$work/out")")
result time "mirroring $records records, verified, durable, cosigned; better of two" "$ours_s" s --ratio-goal '<=' 4 \
    --peer "curl, $connections connections" "$curl_s"
result rate "the same, speed" "$(whole "$records / $ours_s")" records/s --goal '>=' 150000
result processor "the same, processor time" "$(measured processor_seconds)" s
result peak "the same, most memory" "$(($(measured peak_kb) / 1024))" MB
result bytes "bytes received for it" "$(jq .bytes_in "$work/out")" "" --peer "curl's files" "$fetched"
result requests "requests for it" "$(jq .requests "$work/out")" ""
measure "$bin" -C "$work/b" rebuild || fail "rebuild: $(cat "$work/err")"
result index "indexing it afterwards" "$(measured seconds)" s
measure "$bin" -C "$work/b" verify || fail "verify: $(cat "$work/err")"
grep -q '^ok  *a.example/' "$work/out" || fail "verify says: $(cat "$work/out")"
result verify "verifying it again from disk: hashes, signatures, every seal" "$(measured seconds)" s
stop "$served_pid"
mv "$work/b" "$tmp/shared/mirror-$records" && touch "$tmp/shared/mirror-$records.done"
