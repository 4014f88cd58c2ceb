#!/bin/bash
# The node runs in a sandbox and says so, does there all it does, and gives its service manager word.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

init n n.example
init peer peer.example
start peer --alone
offered() { grep -q 'sandbox: files, ports.*system calls' "$tmp/n.log"; }
process() { grep "^$1:" "/proc/$(cat "$tmp/n.pid")/status" | cut -f2; }

# ---- what the kernel keeps it from ----
start n --alone
ok "the log says in a line what there is" eval 'is "$(grep -c "^tongzhou: sandbox: " "$tmp/n.log")" 1'
ok "so does status" eval 'is "$(node n status | sed -n "s/^  sandbox  *//p")" "$(sed -n "s/^tongzhou: sandbox: //p" "$tmp/n.log")"'
ok "and status --json" eval 'is "$(node n status --json | jq -r .sandbox)" "$(sed -n "s/^tongzhou: sandbox: //p" "$tmp/n.log")"'
if offered; then
    ok "it cannot gain rights" eval 'is "$(process NoNewPrivs)" 1'
    ok "its system calls are filtered" eval 'is "$(process Seccomp)" 2'
    ok "all its threads' are" eval 'is "$(cat /proc/"$(cat "$tmp/n.pid")"/task/*/status | grep "^Seccomp:" | sort -u | cut -f2)" 2'
    ok "the figures say so" eval 'is "$(curl -s "$(url n)/metrics" | grep -c "^tongzhou_sandbox{part=\"[a-z]*\"} 1$")" "$(sed -n "s/^tongzhou: sandbox: //p" "$tmp/n.log" | grep -oE "files|ports|signals|system calls" | wc -l)"'
    ok "no image of its memory goes into a file" eval 'is "$(sed -n "s/^Max core file size *\([^ ]*\) .*/\1/p" "/proc/$(cat "$tmp/n.pid")/limits")" 0'
    stop n
    ok "off is off, and said" eval 'start n --alone --sandbox off && is "$(process Seccomp)" 0 && grep -q "^tongzhou: sandbox: off$" "$tmp/n.log"'
    stop n
    ok "required is there, or the node does not run" start n --alone --sandbox require
    stop n
    node n peer add "$(url peer)" >/dev/null 2>&1
    ok "to ports that it may not connect to it does not" eval 'start n --alone --connect-ports 443 && until_true eval "node n status --json | jq -e \".peers_failing == 1\"" && ! node n members | grep -q peer.example'
    stop n
    ok "to those that it may it does" eval 'start n --alone --connect-ports "443,$(url peer | sed "s/.*://")" && until_true eval "node n members | grep -q peer.example"'
else
    skip "what the kernel keeps it from" "$(grep sandbox "$tmp/n.log")"
fi
stop n
for ports in 0 65536 x "443," ,443 "443 8440" "$(seq -s, 1 33)"; do
    no "--connect-ports '$ports'" node n serve --connect-ports "$ports"
done
no "--sandbox maybe" node n serve --sandbox maybe

# ---- behind a web server, which passes the name on that it was asked by ----
init named named.example --endpoint https://named.example.org
start named --alone --endpoint https://other.example.org:8443/node
asked() { curl -s -o /dev/null -w '%{http_code}' -H "Host: $1" "$(url named)/healthz"; }
ok "the name of the profile is its own" eval 'is "$(asked named.example.org)" 200'
ok "so is one that it was told" eval 'is "$(asked other.example.org:8443)" 200'
ok "others are not" eval 'is "$(asked evil.example.org) $(asked other.example.org) $(asked named.example.org:8443)" "421 421 421"'
stop named

# ---- what it still does there ----
certificate() { # name: a new pair, put in the old one's place as renewing does
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$1" -subj "/CN=$2" -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$tmp/tls/key.new" -out "$tmp/tls/cert.new" 2>/dev/null && mv "$tmp/tls/key.new" "$tmp/tls/key.pem" &&
        mv "$tmp/tls/cert.new" "$tmp/tls/cert.pem"
}
shown() { openssl s_client -connect "$(url n | sed 's,.*//,,')" </dev/null 2>/dev/null | sed -n 's/^subject=CN = //p'; }
mkdir "$tmp/tls"
certificate 30 first.example
start n --alone --tls-cert "$tmp/tls/cert.pem" --tls-key "$tmp/tls/key.pem"
ok "TLS" eval 'is "$(shown)" first.example'
renegotiates() { # a second handshake that the client wants in a connection: is it answered?
    : >"$tmp/talk"
    { until grep -q 'Verify return code' "$tmp/talk"; do sleep 0.05; done; echo R
        until grep -qE '<<<.*(close_notify|Alert)' "$tmp/talk" || [ "$(grep -c '<<<.*ServerHello$' "$tmp/talk")" -gt 1 ]; do sleep 0.05; done
    } | timeout 60 openssl s_client -connect "$(url n | sed 's,.*//,,')" -tls1_2 -msg >"$tmp/talk" 2>&1
    [ "$(grep -c '<<<.*ServerHello$' "$tmp/talk")" != 1 ]
}
no "a handshake in a connection is refused" renegotiates
ok "by ending it" grep -qE '<<<.*(close_notify|Alert)' "$tmp/talk"
heads() { curl -s -o /dev/null -D - --cacert "$tmp/tls/cert.pem" "$(url "$1")/?lang=en"; }
ok "browsers are told to stay with it" eval 'heads n | grep -qi "^strict-transport-security: max-age=15552000"'
ok "and to keep cookies to it" eval 'heads n | grep -i "^set-cookie: lang=" | grep -q "; Secure"'
ok "in an answer to a token that is none here, too" eval 'curl -s -o /dev/null -D - --cacert "$tmp/tls/cert.pem" -H "Authorization: Bearer tz_none" "$(url n)/" >"$tmp/head"; grep -q " 401" "$tmp/head" && grep -qi "^strict-transport-security" "$tmp/head"'
ok "without it they are not" eval 'heads peer | grep -i "^set-cookie: lang=" | grep -vq Secure && ! heads peer | grep -qi ^strict'
certificate 60 second.example
kill -HUP "$(cat "$tmp/n.pid")"
ok "a renewed certificate is taken" until_true eval 'is "$(shown)" second.example'
ok "a backup by another process" node n backup "$tmp/n.tar.zst"
stop n

# ---- figures and alerts ----
start n --alone --tls-cert "$tmp/tls/cert.pem" --tls-key "$tmp/tls/key.pem"
printf 'correct horse battery\n' | node n user add admin.one --role administrator --password-stdin >/dev/null
printf 'correct horse battery\n' | node n user add analyst.one --role analyst --password-stdin >/dev/null
token() { node n token add "$@" 2>/dev/null | head -1; } # user, name, --scope
figures() { # token: all that is shown with it
    curl -sf --cacert "$tmp/tls/cert.pem" ${1:+-H "Authorization: Bearer $1"} "$(url n)/metrics"
}
watching=$(token admin.one prometheus --scope metrics)
node n tell add "unix:$tmp/no-log" --role reader >/dev/null
figures "$watching" >"$tmp/figures"
inner() { grep -cE '^tongzhou_(policy_|feeds|index_behind|disk_|sign_in_failures|restricted_given)' "$1"; }
ok "a token for it sees all figures" eval 'is "$(inner "$tmp/figures")" 9'
ok "everybody sees what is public" eval 'figures >"$tmp/public" && is "$(inner "$tmp/public")" 0 && grep -q "^tongzhou_logs " "$tmp/public"'
ok "so does a token for something else" eval 'figures "$(token admin.one reading --scope read,admin)" >"$tmp/public" && is "$(inner "$tmp/public")" 0'
no "an analyst's cannot be for that" node n token add analyst.one figures --scope metrics
echo amber.example | node n import --alone --format list --tlp amber --keep - >/dev/null 2>&1
records() { curl -s --cacert "$tmp/tls/cert.pem" -H "Authorization: Bearer $1" "$(url n)/record/$(node n members --json | jq -r 'select(.origin|startswith("n.example/"))|.origin')/1"; }
ok "such a token reads no content" eval '! records "$watching" | grep -q amber.example'
ok "one for reading does" eval 'records "$(token admin.one more --scope read)" | grep -q amber.example'
ok "when the certificate ends" eval 'left=$(($(sed -n "s/^tongzhou_certificate_ends_timestamp_seconds //p" "$tmp/figures") - $(date +%s))) && [ $left -gt $((59 * 86400)) ] && [ $left -le $((60 * 86400)) ]'
ok "how much disk there is" eval 'is "$(sed -n "s/^tongzhou_disk_bytes //p" "$tmp/figures")" "$(df -B1 --output=size "$tmp/n" | tail -1 | tr -d " ")"'
ok "a failed sign-in counts" eval 'form=$(curl -s --cacert "$tmp/tls/cert.pem" -c "$tmp/jar" "$(url n)/sign-in" | grep -oE "name=\"csrf\" value=\"[a-z2-7]{52}\"" | cut -d"\"" -f4) &&
    curl -s -o /dev/null --cacert "$tmp/tls/cert.pem" -b "$tmp/jar" -d "csrf=$form" -d name=admin.one -d password=wrong-one -H "Origin: $(url n)" "$(url n)/sign-in" && figures "$watching" | grep -q "^tongzhou_sign_in_failures_total 1$"'
# shellcheck disable=SC2034 # used by what eval runs
alerts=$root/contrib/prometheus/alerts.yml
ok "there are alerts" eval '[ "$(grep -c "^      - alert:" "$alerts")" -ge 20 ]'
ok "each figure that an alert asks for is there" eval 'for figure in $(grep -oE "tongzhou_[a-z_]+" "$alerts" | sort -u); do grep -qE "^$figure[{ ]" "$tmp/figures" || { echo "no $figure"; false; } || exit 1; done'
ok "each reason and part, too" eval 'for word in $(grep -oE "(reason|part)=~?\"[a-z|-]+" "$alerts" | sed "s/.*\"//" | tr "|" "\n" | sort -u); do grep -qE "(reason|part)=\"$word\"" "$tmp/figures" || { echo "no $word"; false; } || exit 1; done'
ok "each alert has a test of its own" eval 'for alert in $(sed -n "s/^      - alert: //p" "$alerts"); do grep -q "^  - name: $alert$" "$root/tests/interop/alerts.yml" || { echo "$alert"; false; } || exit 1; done'
stop n

# ---- commands that read files of others ----
ok "import reads what it is given" eval 'echo evil.example >"$tmp/list" && node n import --alone --tlp clear --format list "$tmp/list" | grep -q "1 added"'
ok "so does sweep" eval 'echo "GET evil.example" >"$tmp/log" && node n sweep "$tmp/log" | grep -q "domain evil.example"'
ok "out of a pipe, too" eval 'node n sweep <(cat "$tmp/log") | grep -q "domain evil.example"'
ok "a file that is not there is named" eval 'node n sweep "$tmp/none" 2>&1 | grep -q "none"'

# ---- word to a service manager ----
manager() { # address of its socket, path or @name: what it was told while the node started, reloaded and ended
    python3 - "$bin" "$tmp/n" "$1" <<'PYTHON'
import os, signal, socket, subprocess, sys
binary, folder, name = sys.argv[1:]
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind("\0" + name[1:] if name[0] == "@" else name)
told.settimeout(60)
node = subprocess.Popen([binary, "-C", folder, "serve", "--alone", "--listen", "127.0.0.1:0"], stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL, env=dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="200000"))
def until(wanted):
    while True:
        for line in told.recv(4096).decode().splitlines():
            if line.split("=")[0] == wanted.split("=")[0]:
                print(line if wanted in line else "found " + line)
                return
try:
    until("READY=1")
    until("WATCHDOG=1")
    until("WATCHDOG=1")
    node.send_signal(signal.SIGHUP)
    until("RELOADING=1")
    until("READY=1")
    node.send_signal(signal.SIGTERM)
    until("STOPPING=1")
    print("ended", node.wait(60))
finally:
    node.kill()
    node.wait()
PYTHON
}
# shellcheck disable=SC2034
words="READY=1 WATCHDOG=1 WATCHDOG=1 RELOADING=1 READY=1 STOPPING=1 ended 0 "
ok "ready, alive, reloading, stopping" eval 'is "$(manager "$tmp/manager" | tr "\n" " ")" "$words"'
ok "over an abstract socket, too" eval 'is "$(manager "@tongzhou-test-$$" | tr "\n" " ")" "$words"'
done_testing
