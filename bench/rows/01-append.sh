# Appending records of 1 kB durably, many at a time and one by one, beside Tessera's POSIX driver.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

singles=$((appended < 20000 ? appended / 20 + 1 : 2000))
tessera=$work/tessera

append() { # records, batch
    rm -rf "$work/node"
    measure "$tools/bench_append" "$work/node" "$1" "$2" || fail "$(cat "$work/err")"
    is "$(jq .records "$work/out")" "$1" "records appended"
}

# By its author's advice a log of Tessera's takes many writers at once: 4,096 here, as many as its queue may hold.
peer_append() { # records, batch, writers
    rm -rf "$work/peer"
    measure "$tessera" -dir "$work/peer" -records "$1" -batch "$2" -writers "$3" || return 1
    is "$(jq .records "$work/out")" "$1" "records appended by Tessera"
}

if have go && (cd "$root/bench/peers/tessera" && CGO_ENABLED=0 go build -trimpath -o "$tessera" .) 2>"$work/err"; then
    peer_total=$((appended < 50000 ? appended : 50000))
    peer_append "$peer_total" 4096 4096 || fail "tessera: $(cat "$work/err")"
    batched=(--peer "Tessera POSIX" "$(jq .rate "$work/out")")
    peer_append $((singles / 4 + 1)) 1 1 || fail "tessera: $(cat "$work/err")"
    single=(--peer "Tessera POSIX" "$(jq .median_ms "$work/out")")
else
    batched=(--note "Tessera is not measured: no Go, or its modules cannot be fetched") single=()
fi

append "$appended" 16384
result batched "append of 1 kB records, durable, 16,384 at a time" "$(jq .rate "$work/out")" records/s --goal '>=' 300000 "${batched[@]}"
append $((appended < 256000 ? appended : 256000)) 256
result small "the same, 256 at a time" "$(jq .rate "$work/out")" records/s
append "$singles" 1
result single "one by one, each durable, median" "$(jq .median_ms "$work/out")" ms --goal '<=' 1 "${single[@]}"
result single.p99 "one by one, slowest of a hundred" "$(jq .p99_ms "$work/out")" ms
