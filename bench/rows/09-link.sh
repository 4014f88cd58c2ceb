# A small machine at the end of a bad link: 256 MB and a quarter of a core, 256 kbit/s, 600 ms there and back, of every twenty
# packets one is lost, and twice the link is cut for a minute. The node there catches up with its peer.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

near=tongzhou-$$-a far=tongzhou-$$-b
row_end() {
    local ns path
    for ns in $near $far; do ip netns del "$ns" 2>/dev/null; done
    for path in "${groups[@]}"; do rmdir "$path" 2>/dev/null; done
}
groups=()

not_checked() { # why
    result time "catching up over a bad link" null s --note "not checked: $1"
    exit 0
}

[ "$(id -u)" = 0 ] || not_checked "it needs root"
{ have ip && ip netns add $near && ip netns add $far; } 2>/dev/null || not_checked "there are no network namespaces"
[ -e /dev/net/tun ] || not_checked "there is no tun device"

# Limits by cgroups, of version 2 where it has the controllers, else of version 1: files into which a process writes its number.
joins=()
group() { # folder, then file and value pairs
    local path=$1/tongzhou-$$
    shift
    mkdir "$path" 2>/dev/null || return 1
    groups+=("$path")
    while [ $# -gt 0 ]; do
        echo "$2" >"$path/$1" || return 1
        shift 2
    done
    joins+=("$path/cgroup.procs")
}
limits="256 MB, a quarter of a core"
if grep -qs 'memory' /sys/fs/cgroup/cgroup.controllers && grep -qs 'cpu' /sys/fs/cgroup/cgroup.subtree_control; then
    group /sys/fs/cgroup memory.max 268435456 cpu.max '25000 100000' 2>/dev/null || limits=
else
    { group /sys/fs/cgroup/memory memory.limit_in_bytes 268435456 &&
        group /sys/fs/cgroup/cpu cpu.cfs_period_us 100000 cpu.cfs_quota_us 25000; } 2>/dev/null || limits=
fi
[ -n "$limits" ] || { joins=(); limits="memory and processor not limited: no cgroups"; }

# A command on the small machine. The groups are joined first, since `ip netns exec` hides them behind a /sys of its own. All of
# it are one process, also in the background: hence no function.
# shellcheck disable=SC2016
small=(sh -c 'for file in $1; do echo $$ >"$file" || exit 1; done; shift; exec "$@"' - "${joins[*]}" ip netns exec "$far")

filled "$link_records"
"$tools/link" $near $far 256 300 5 >"$work/link" &
link_pid=$!
pids+=("$link_pid")
until grep -qs ready "$work/link"; do kill -0 "$link_pid" 2>/dev/null || not_checked "no tun device could be made"; sleep 0.02; done
for end in "$near 10.97.0.1" "$far 10.97.0.2"; do
    # shellcheck disable=SC2086
    set -- $end
    { ip -n "$1" link set lo up && ip -n "$1" link set link0 mtu 1500 up && ip -n "$1" addr add "$2/30" dev link0; } || fail "ip"
done

dir=$filled_dir
rm -f "$dir.out"
ip netns exec $near "$bin" -C "$dir" serve --alone --listen 10.97.0.1:8440 >"$dir.out" 2>"$dir.err" &
pids+=($!)
until grep -qs http:// "$dir.out"; do kill -0 "${pids[-1]}" 2>/dev/null || fail "serve: $(cat "$dir.err")"; sleep 0.02; done

"${small[@]}" true || fail "the small machine cannot be entered"
init "$work/b" b.example
"${small[@]}" "$bin" -C "$work/b" peer add http://10.97.0.1:8440 >/dev/null 2>"$work/err" || fail "peer add: $(cat "$work/err")"
begun=$(date +%s.%N)
"${small[@]}" "$bin" -C "$work/b" serve --alone --listen 10.97.0.2:8440 >"$work/b.out" 2>"$work/b.err" &
pids+=($!)

has() { # entries and contents held, of the staged ones too
    sqlite3 "file:$work/b/state.db?mode=ro" "SELECT coalesce(max(staged + payloads), 0) FROM log WHERE NOT is_operator" 2>/dev/null || echo 0
}

# Until all is there; at a third and at two thirds the link is cut. It may take forty minutes.
size=$((link_records + 1)) cuts=0 now=0
for ((waited = 0; waited < 2400; waited++)); do
    now=$(has)
    [ "$now" = $((size + link_records)) ] && break
    kill -0 "${pids[-1]}" 2>/dev/null || fail "the node ended: $(tail -3 "$work/b.err")"
    if [ $cuts -lt 2 ] && [ "$now" -gt $(((size + link_records) * (cuts + 1) / 3)) ]; then
        cuts=$((cuts + 1))
        kill -USR1 "$link_pid"
        sleep "$cut"
        kill -USR2 "$link_pid"
    fi
    sleep 1
done
took=$(calc "$(date +%s.%N) - $begun")
is "$now" $((size + link_records)) "entries and contents that have come after $took s"
resident=$(resident_kb "${pids[-1]}")
stop "${pids[-1]}"
kill "$link_pid"
wait "$link_pid"
tail -1 "$work/link" >"$work/passed"
useful=$(node "$dir" members --json | jq -r 'select(.origin|startswith("a.example/"))|.bytes')
down=$(jq .forth.bytes "$work/passed")
result time "catching up with $link_records records over 256 kbit/s, 600 ms, 5 % loss, cut twice for $cut s" "$took" s --note "$limits" \
    --peer "the link alone, uncut" "$(calc "$useful * 8 / 256000")"
result bytes "bytes over the link for each useful byte" "$(calc "$down / $useful")" ""
result lost "packets lost, of each hundred given to the link" "$(jq '[.forth, .back] | (map(.lost) | add) / (map(.packets + .lost) | add) * 1000 | round / 10' "$work/passed")" ""
result resident "resident memory of the node there" "$(calc "$resident / 1024")" MB --goal '<=' 256
node "$work/b" verify >"$work/out" 2>&1 || fail "verify: $(cat "$work/out")"
