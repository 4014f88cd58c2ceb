# Requests a second for tiles of hashes, bundles of entries and bundles of contents, by wrk over kept connections; beside it nginx
# serving the exported static tree. Both have the machine's cores, which wrk shares with them; but with one connection the
# servers have one core and wrk another: whether the scheduler puts the two on one core is luck, and halves the time or not.
# shellcheck shell=bash
. "$(dirname "$0")/../lib.sh"

have wrk || fail "wrk is not installed"
filled "$records"
serve "$filled_dir"
node "$filled_dir" export-static "$work/tree" >/dev/null 2>"$work/err" || fail "export-static: $(cat "$work/err")"
(cd "$work/tree" && find logs -type f -path '*/tile/0/*' ! -path '*.p*') | sed 's,^,/,' | sort >"$work/tiles"
(cd "$work/tree" && find logs -type f -path '*/tile/entries/*' ! -path '*.p*') | sed 's,^,/,' | sort >"$work/entries"
(cd "$work/tree" && find logs -type f -path '*/payload/*') | sed 's,^,/,' | sort >"$work/payloads"
is "$(wc -l <"$work/tiles")" $(((records + 1) / 256)) "full tiles of hashes"

nginx=$(PATH=$PATH:/usr/sbin command -v nginx)
port=$((20000 + $$ % 10000))
if [ -n "$nginx" ]; then
    mkdir "$work/nginx"
    cat >"$work/nginx.conf" <<CONF
worker_processes $(nproc);
daemon off;
pid $work/nginx/pid;
error_log $work/nginx/log;
$([ "$(id -u)" = 0 ] && echo "user $(id -un);")
events { worker_connections 1024; }
http {
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    open_file_cache max=50000 inactive=600s; open_file_cache_valid 600s;
    client_body_temp_path $work/nginx/a; proxy_temp_path $work/nginx/b; fastcgi_temp_path $work/nginx/c;
    uwsgi_temp_path $work/nginx/d; scgi_temp_path $work/nginx/e;
    default_type application/octet-stream;
    server { listen 127.0.0.1:$port; root $work/tree; }
}
CONF
    "$nginx" -e "$work/nginx/log" -c "$work/nginx.conf" 2>/dev/null &
    nginx_pid=$!
    pids+=("$nginx_pid")
    until curl -sf -o /dev/null "http://127.0.0.1:$port/node"; do
        kill -0 "$nginx_pid" 2>/dev/null || fail "nginx: $(tail -2 "$work/nginx/log")"
        sleep 0.05
    done
    while read -r path; do # both say the same
        cmp -s <(curl -sf "http://127.0.0.1:$port$path") <(curl -sf "$served_url$path") || fail "nginx and we differ at $path"
    done < <(head -2 "$work/tiles" "$work/entries" "$work/payloads" | grep '^/')
fi

last=$(($(nproc) - 1))

confine() { # cores: where the servers run
    local pid
    for pid in "$served_pid" $([ -n "$nginx" ] && echo "$nginx_pid" && pgrep -P "$nginx_pid"); do
        taskset -acp "$1" "$pid" >/dev/null || fail "taskset: cannot keep the servers on cores $1"
    done
}

rate() { # server, file of addresses, connections: requests a second
    local threads=$(($3 < 2 ? 1 : 2)) cores=0-$last
    [ "$3" = 1 ] && cores=0
    taskset -c $cores wrk -t$threads -c"$3" -d"${seconds}s" -s "$root/bench/requests.lua" "$1" "$2" >"$work/out" 2>&1 || fail "wrk: $(cat "$work/out")"
    grep -qE 'Non-2xx|Socket errors' "$work/out" && fail "wrk: $(grep -E 'Non-2xx|Socket errors' "$work/out")"
    sed -n 's,^Requests/sec: *,,p' "$work/out"
}

more() { # the larger of two numbers
    awk -v a="$1" -v b="$2" 'BEGIN { print (a > b ? a : b) }'
}

# By turns, the better of two each.
for kind in tiles entries payloads; do
    case $kind in
    tiles) what="tiles of hashes, 8 kB" ;;
    entries) what="bundles of entries, 23 kB" ;;
    payloads) what="bundles of contents, $(($(stat -c %s "$work/tree$(head -1 "$work/payloads")") / 1000)) kB" ;;
    esac
    for connections in 1 64; do
        ours=0 theirs=0 peer=()
        confine "$([ $connections = 1 ] && echo "$last" || echo "0-$last")"
        for _ in 1 2; do
            now=$(rate "$served_url" "$work/$kind" $connections) || exit 1
            ours=$(more "$ours" "$now")
            [ -n "$nginx" ] || continue
            now=$(rate "http://127.0.0.1:$port" "$work/$kind" $connections) || exit 1
            theirs=$(more "$theirs" "$now")
        done
        [ -n "$nginx" ] && peer=(--peer nginx "$theirs" --ratio-goal '>=' 0.5)
        result $kind.$connections "$what: $connections connection$([ $connections = 1 ] || echo s)" "$ours" requests/s "${peer[@]}"
    done
done
