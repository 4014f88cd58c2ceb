#!/bin/bash
# The node runs in a sandbox and says so, does there all it does, and gives its service manager word.
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
for ports in 0 65536 x 443, ,443 "443 8440" "$(seq -s, 1 33)"; do
    no "--connect-ports '$ports'" node n serve --connect-ports "$ports"
done
no "--sandbox maybe" node n serve --sandbox maybe

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
certificate 60 second.example
kill -HUP "$(cat "$tmp/n.pid")"
ok "a renewed certificate is taken" until_true eval 'is "$(shown)" second.example'
ok "a backup by another process" node n backup "$tmp/n.tar.zst"
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
words="READY=1 WATCHDOG=1 WATCHDOG=1 RELOADING=1 READY=1 STOPPING=1 ended 0 "
ok "ready, alive, reloading, stopping" eval 'is "$(manager "$tmp/manager" | tr "\n" " ")" "$words"'
ok "over an abstract socket, too" eval 'is "$(manager "@tongzhou-test-$$" | tr "\n" " ")" "$words"'
done_testing
