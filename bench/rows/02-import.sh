# Import end to end: parsed, sealed, durable, indexed. Generated STIX indicators, the same list as plain lines, and a large one.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

import() { # node, count, options and file...: leaves its figures in `measured`
    local dir=$1 count=$2
    shift 2
    init "$dir" a.example
    measure "$bin" -C "$dir" import --json --tlp clear "$@" || fail "import: $(tail -3 "$work/err")"
    is "$(jq '[.added, .refused, .bad, .duplicates] | map(tostring) | join(" ")' -r "$work/out")" "$count 0 0 0" \
        "added, refused, bad, duplicates"
    is "$(fact "$dir" a.example size)" $((count + 1)) "entries of the log"
}

check_index() { # node, count: it is all there to be found
    is "$(node "$1" export list | grep -vc '^#')" "$2" "indicators that an export gives"
}

bundle=$(stix "$records") || exit 1
shared=$tmp/shared/node-$records
dir=$work/stix
[ -e "$shared.done" ] || dir=$shared
import "$dir" "$records" "$bundle"
took=$(measured seconds)
goal=()
[ "$records" = 1000000 ] && goal=(--goal '<=' 15)
result stix "import of $records STIX indicators, end to end" "$took" s "${goal[@]}" --note "$(($(stat -c %s "$bundle") / 1000000)) MB of JSON"
result stix.rate "the same, speed" "$(whole "$records / $took")" records/s
result stix.processor "the same, processor time" "$(measured processor_seconds)" s
result stix.peak "the same, most memory" "$(($(measured peak_kb) / 1024))" MB
peak=$(measured peak_kb)
check_index "$dir" "$records"
result stix.disk "the same, on disk" "$(du -sm "$dir" | cut -f1)" MB
[ "$dir" = "$shared" ] && touch "$shared.done"

measure "$bin" -C "$dir" import --json --tlp clear "$bundle" || fail "import again: $(tail -3 "$work/err")"
is "$(jq .duplicates "$work/out")" "$records" "known the second time"
result again "the same file again, all known" "$(measured seconds)" s
[ "$dir" = "$shared" ] || rm -rf "$dir"

sed -n "s/.*\"pattern\":\"\[.* = '\([^']*\)'\]\".*/\1/p" "$bundle" >"$work/list.txt"
is "$(wc -l <"$work/list.txt")" "$records" "lines of the list"
import "$work/list" "$records" --format list "$work/list.txt"
result list "import of $records lines, end to end" "$(measured seconds)" s
result list.peak "the same, most memory" "$(($(measured peak_kb) / 1024))" MB
check_index "$work/list" "$records"
rm -rf "$work/list"

if [ "${BENCH_MALTRAIL:-1}" = 1 ] && [ -r "$data/maltrail/trails.tar.xz" ]; then
    init "$tmp/shared/maltrail" m.example
    measure "$bin" -C "$tmp/shared/maltrail" import --json --tlp clear --format maltrail "$data/maltrail/trails.tar.xz" ||
        fail "Maltrail: $(tail -3 "$work/err")"
    added=$(jq .added "$work/out")
    check_index "$tmp/shared/maltrail" "$added"
    touch "$tmp/shared/maltrail.done"
    result maltrail "import of the Maltrail set, $added indicators" "$(measured seconds)" s
    result maltrail.peak "the same, most memory" "$(($(measured peak_kb) / 1024))" MB
fi

if [ "$large" -gt 0 ]; then
    "$tools/gen_stix" "$large" >"$work/large.json" || fail "gen_stix $large"
    import "$work/large" "$large" "$work/large.json"
    result large "import of $large STIX indicators, end to end" "$(measured seconds)" s
    result large.growth "time a record, beside that of $records" "$(calc "$(measured seconds) / $large / ($took / $records)")" "" --goal '<=' 1.3
    result large.peak "most memory" "$(($(measured peak_kb) / 1024))" MB --peer "at $records" $((peak / 1024))
    rm -rf "$work/large"
fi
