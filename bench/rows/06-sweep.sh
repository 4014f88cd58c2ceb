# Sweeping logs with all indicators of the Maltrail set (without it: those of the generated bundle), 500 planted; beside it what
# people use: grep, ripgrep, and wc, which only counts lines.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"
planted=500

if [ "${BENCH_MALTRAIL:-1}" = 1 ] && [ -r "$data/maltrail/trails.tar.xz" ]; then
    dir=$tmp/shared/maltrail
    if [ ! -e "$dir.done" ]; then
        init "$dir" m.example
        node "$dir" import --json --tlp clear --format maltrail "$data/maltrail/trails.tar.xz" >/dev/null 2>"$work/err" ||
            fail "Maltrail: $(tail -3 "$work/err")"
        touch "$dir.done"
    fi
    node "$dir" export list >"$work/list.txt" || fail "export"
else
    filled "$records"
    dir=$filled_dir
    node "$dir" export list >"$work/list.txt" || fail "export"
fi
count=$(grep -vc '^#' "$work/list.txt")
what="sweep with $count indicators"

generate() { # kind, list: the log and what was planted in it
    "$tools/gen_logs" "$1" "$log_bytes" $planted "$2" 7 --expect "$work/expect" >"$work/$1.log" || fail "gen_logs $1"
    is "$(cut -f1 "$work/expect" | sort -u | wc -l)" $planted "lines planted"
}

core() { # list, log: the matching alone, one core; nothing missed, nothing wrong
    "$tools/bench_sweep" --json --expect "$work/expect" "$1" "$2" >"$work/core" || fail "bench_sweep: $(cat "$work/core")"
    is "$(jq -r '"\(.missed) \(.wrong)"' "$work/core")" "0 0" "missed and wrong hits"
}

# Another program that may take for ever, or all memory: it gets so many seconds and 16 GB of addresses.
patiently() { # name, command...: seconds or null, and why in $why
    local name=$1
    shift
    why=
    (ulimit -v $((16 << 20)) && measure timeout "$patience" "$@")
    case $(measured status) in
    0 | 1) took=$(measured seconds) ;;
    124) took=null why="$name was not done after $patience s" ;;
    *) took=null why="$name failed with $(($(measured peak_kb) / 1024)) MB: $(head -c 80 "$work/err" | tr '\n' ' ')" ;;
    esac
}

generate dns "$work/list.txt"
mb=$(calc "$(stat -c %s "$work/dns.log") / 1e6")
core "$work/list.txt" "$work/dns.log"
result dns.core "$what: DNS log of $mb MB, the matching alone, one core" "$(jq .best_mb_s "$work/core")" MB/s --goal '>=' 400
result dns.missed "$what: planted hits missed, of $planted" "$(jq .missed "$work/core")" "" --goal '<=' 0
result dns.wrong "$what: hits that are none" "$(jq .wrong "$work/core")" "" --goal '<=' 0
result build "$what: compiling the set" "$(jq .build_s "$work/core")" s
result set "$what: the set on disk" "$(whole "$(jq .set_bytes "$work/core") / 1e6")" MB

measure "$bin" -C "$dir" sweep --stats "$work/dns.log" # compiles the set if it is not there yet
measure "$bin" -C "$dir" sweep --stats "$work/dns.log"
is "$(measured status)" 0 "exit status of sweep"
is "$(awk -F: '{ print $2 }' "$work/out" | sort -u | wc -l)" $planted "lines hit"
ours=$(measured seconds)
result open "$what: opening the set" "$(jq .open_ms "$work/core")" ms --goal '<=' 50
result open.command "$what: opening all that the command needs" "$(sed -n 's/.*opened in \([0-9.]*\) ms.*/\1/p' "$work/err")" ms --goal '<=' 50
result resident "$what: most memory of the command, the mapped set included" "$(($(measured peak_kb) / 1024))" MB --goal '<=' 200
peers=() notes=()
grep -v '^#' "$work/list.txt" >"$work/patterns"
patiently "grep -Ff" grep -Ff "$work/patterns" "$work/dns.log"
[ "$took" = null ] && notes+=("$why;") || peers+=(--peer "grep -Ff ($(wc -l <"$work/out") lines)" "$took")
if have rg; then
    patiently "rg -Ff" rg -Ff "$work/patterns" "$work/dns.log"
    [ "$took" = null ] && notes+=("$why;") || peers+=(--peer "rg -Ff ($(wc -l <"$work/out") lines, $(($(measured peak_kb) / 1024)) MB)" "$took")
fi
measure wc -l "$work/dns.log"
peers+=(--peer "wc -l" "$(measured seconds)")
result dns.command "$what: the command, from start to end" "$ours" s "${peers[@]}" --note "${notes[*]:+${notes[*]} }$planted lines are right, the others match inside words"
rm "$work/dns.log"

for kind in apache json zeek; do
    generate $kind "$work/list.txt"
    core "$work/list.txt" "$work/$kind.log"
    result $kind.core "$what: $kind log, one core" "$(jq .best_mb_s "$work/core")" MB/s
    rm "$work/$kind.log"
done

awk -v n="$indicators" 'BEGIN {
    split("com net org info ru cn top xyz", zone, " ");
    for (i = 0; i < n; i++) {
        x = (i * 2654435761) % 4294967296; kind = i % 10;
        if (kind < 6) printf "%x-%d.bench-%d.%s\n", x, i, x % 9973, zone[x % 8 + 1];
        else if (kind < 8) printf "%d.%d.%d.%d\n", 11 + i / 16777216 % 100, i / 65536 % 256, i / 256 % 256, i % 256;
        else if (kind < 9) printf "http://bench-%d.example/%x/gate.php?id=%d\n", x % 9973, x, i;
        else printf "%08x%08x%08x%08x%08x%08x%08x%08x\n", x, i, x, i * 7 % 4294967296, x, i, i * 3, x;
    }
}' >"$work/large.txt"
generate dns "$work/large.txt"
core "$work/large.txt" "$work/dns.log"
is "$(jq .indicators "$work/core")" "$indicators" "indicators of the large set"
result large.core "sweep with $indicators indicators: DNS log, one core" "$(jq .best_mb_s "$work/core")" MB/s
result large.open "sweep with $indicators indicators: opening the set" "$(jq .open_ms "$work/core")" ms
result large.build "sweep with $indicators indicators: compiling the set" "$(jq .build_s "$work/core")" s
result large.set "sweep with $indicators indicators: the set on disk" "$(whole "$(jq .set_bytes "$work/core") / 1e6")" MB
