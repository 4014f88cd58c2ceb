# How work grows: the same things at 10,000 records, at ten times, at a hundred times. What is done once a record must grow with
# their number and no faster; what looks something up must not grow. A table, and BUILD/bench-growth.svg.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

lookup() { # address, file of paths: microseconds each, over one connection
    wrk -t1 -c1 -d"${seconds}s" -s "$root/bench/requests.lua" "$1" "$2" >"$work/out" 2>&1 || fail "wrk: $(cat "$work/out")"
    grep -qE 'Non-2xx|Socket errors' "$work/out" && fail "wrk: $(grep -E 'Non-2xx|Socket errors' "$work/out")"
    calc "1000000 / $(sed -n 's,^Requests/sec: *,,p' "$work/out")"
}

at_size() { # records: one JSON object to $work/sizes
    local count=$1 import mirror one open peak origin hex resident value tile proof bytes requests
    local bundle dir=$work/a
    bundle=$(stix "$count") || exit 1
    rm -rf "$work/a" "$work/b"
    init "$dir" a.example
    measure "$bin" -C "$dir" import --json --tlp clear "$bundle" || fail "import: $(tail -3 "$work/err")"
    is "$(jq .added "$work/out")" "$count" "records added"
    import=$(measured seconds) peak=$(measured peak_kb)
    echo nothing >"$work/log"
    node "$dir" sweep "$work/log" # compiles the set
    node "$dir" sweep --stats "$work/log" 2>"$work/err"
    open=$(sed -n 's/.*opened in \([0-9.]*\) ms.*/\1/p' "$work/err")
    serve "$dir"
    init "$work/b" b.example
    node "$work/b" peer add "$served_url" >/dev/null || fail "peer add"
    "$tools/bench_sync" "$work/b" >"$work/round" || fail "round"
    is "$(jq .payloads "$work/round")" "$count" "contents mirrored"
    mirror=$(jq .seconds "$work/round")
    head -c 700 /dev/urandom | base64 -w 76 >"$work/note"
    node "$dir" publish --alone --kind culture/note --tlp clear "$work/note" >/dev/null || fail publish
    "$tools/bench_sync" "$work/b" >"$work/round" || fail "round"
    is "$(jq .payloads "$work/round")" 1 "contents of the second round"
    one=$(calc "$(jq .seconds "$work/round") * 1000") bytes=$(jq .bytes_in "$work/round") requests=$(jq .requests "$work/round")
    settle "$served_pid"
    resident=$(calc "$(resident_kb "$served_pid") / 1024")
    origin=$(fact "$dir" a.example origin)
    hex=$(printf %s "$origin" | sha256sum | cut -d' ' -f1)
    node "$dir" export list | grep 'host-' | shuf -n 2000 --random-source="$bundle" |
        sed 's,^,/intelligence/value?type=domain\&v=,' >"$work/values"
    shuf -i 1-"$count" -n 2000 --random-source="$bundle" | sed "s,.*,/record/$origin/&/proof," >"$work/proofs"
    shuf -i 0-$((count / 256 - 1)) -n 2000 --random-source="$bundle" | awk -v base="/logs/$hex/tile/0/" '{
        path = sprintf("%03d", $1 % 1000)
        for (rest = int($1 / 1000); rest > 0; rest = int(rest / 1000)) path = sprintf("x%03d/", rest % 1000) path
        print base path }' >"$work/tiles"
    value=$(lookup "$served_url" "$work/values") && proof=$(lookup "$served_url" "$work/proofs") && tile=$(lookup "$served_url" "$work/tiles") || exit 1
    stop "$served_pid"
    jq -nc --argjson records "$count" --argjson took "$import" --argjson peak "$((peak / 1024))" --argjson mirror "$mirror" \
        --argjson one "$one" --argjson bytes "$bytes" --argjson requests "$requests" --argjson resident "$resident" \
        --argjson value "$value" --argjson proof "$proof" --argjson tile "$tile" --argjson open "$open" \
        '{records: $records, import_us: ($took / $records * 1e6), mirror_us: ($mirror / $records * 1e6), import_peak_mb: $peak,
          one_ms: $one, one_bytes: $bytes, one_requests: $requests, resident_mb: $resident, value_us: $value, proof_us: $proof,
          tile_us: $tile, open_ms: $open}' >>"$work/sizes"
}

have wrk || fail "wrk is not installed"
for count in $growth; do
    at_size "$count"
    [ "$count" -lt 2000000 ] || rm -f "$tmp/shared/stix-$count-0.json"
done
say() { # key of the sizes, key, text, unit: one figure a size, then how the last stands to the first
    local count
    for count in $growth; do
        result "$2.$count" "$3, $count records" "$(jq --argjson n "$count" "select(.records == \$n).$1 * 1000 | round / 1000" "$work/sizes")" "$4"
    done
}
ratio() { # key of the sizes, key, text, most
    result "$2" "$3: last by first" "$(jq -s "(last.$1 / first.$1) * 1000 | round / 1000" "$work/sizes")" "" --goal '<=' "$4"
}
say import_us import "import, time a record" us
ratio import_us import.growth "import, time a record" 1.5
say mirror_us mirror "mirroring, time a record" us
ratio mirror_us mirror.growth "mirroring, time a record" 1.5
say import_peak_mb import.peak "import, most memory" MB
say one_ms one "a round for one new record" ms
say one_bytes one.bytes "its bytes" ""
say one_requests one.requests "its requests" ""
say value_us value "a value's page" us
ratio value_us value.growth "a value's page" 2
say proof_us proof "a proof" us
ratio proof_us proof.growth "a proof" 2
say tile_us tile "a tile" us
ratio tile_us tile.growth "a tile" 2
say open_ms open "opening the sweep set" ms
say resident_mb resident "the node, resident memory" MB
python3 "$root/bench/plot.py" "$work/sizes" >"$build/bench-growth.svg" || fail "plot"
