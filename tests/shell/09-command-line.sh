#!/bin/bash
# Every command explains itself, is in the manual and the completion, and bad words end with status 2 and a hint.
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

mapfile -t words < <("$bin" --words)
ok "there are commands" eval '[ ${#words[@]} -ge 30 ]'
for word in "${words[@]}"; do
    # shellcheck disable=SC2086
    ok "$word --help" eval "\"$bin\" $word --help | grep -q '^tongzhou $word'"
    ok "$word is in the manual" grep -qE "^\.(SS|B|It|BR|BI) .*$(printf '%s' "$word" | sed 's/-/\\\\?-/g')" man/tongzhou.1
done
manual_options() {
    local word option status=0
    for word in "${words[@]}"; do
        for option in $("$bin" --words "$word" | grep '^--' | grep -v '^--help'); do
            grep -q -- "$(printf '%s' "$option" | sed 's/-/\\\\-/g')" man/tongzhou.1 || { echo "$word $option"; status=1; }
        done
    done
    return $status
}
ok "every option is in the manual" manual_options
ok "the manual has no errors" eval '! command -v mandoc >/dev/null || ! mandoc -T lint -W error man/tongzhou.1 man/tongzhou-policy.5 | grep .'
status() { # wanted, arguments...
    local wanted=$1
    shift
    "$bin" -C "$tmp/none" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    is $? "$wanted"
}
ok "no command: usage" status 2
ok "unknown command" status 2 frobnicate
ok "which is named" grep -q frobnicate "$tmp/err"
ok "unknown option" status 2 log --frobnicate
ok "missing argument" status 2 show
ok "too many arguments" status 2 status now
ok "half a command" status 2 peer
ok "no node there: failed" status 1 log
ok "and it says what to do" grep -q 'tongzhou init' "$tmp/err"
ok "version" status 0 version
ok "help" status 0 --help
ok "help by word" status 0 help
ok "help on a command" eval 'status 0 help import && grep -q "^tongzhou import" "$tmp/out"'
ok "help on a group" eval 'status 0 help peer && grep -q "peer add" "$tmp/out"'
ok "help on nothing" status 2 help frobnicate
ok "-C without a folder" status 2 -C
ok "a mistyped word makes no folder" eval 'status 2 init --name x.example --class nonsense && [ ! -e "$tmp/none" ]'
ok "nor does a recovery key that is there" eval 'echo x >"$tmp/key" && status 1 init --name x.example --class civil --recovery-out "$tmp/key" && [ ! -e "$tmp/none" ]'

# What is written goes where it should, or the command says that it did not.
# What `init` proposes can be typed as it stands, also in a folder with an odd name.
proposed() {
    local line
    line=$("$bin" -C "$tmp/an o'dd" init --name o.example --class civil --recovery-out "$tmp/odd.recovery" | sed -n 's/^Next: tongzhou.*   or   tongzhou\(.*\) serve$/\1/p')
    eval "\"$bin\"$line status" | grep -q '^o.example/'
}
ok "what init proposes works" proposed
init n n.example
echo evil.example | node n import --tlp clear --format list - >/dev/null
printf 'GET http://evil.example/\n' >"$tmp/log"
full() { # wanted, arguments...: standard output is a full disk
    local wanted=$1
    shift
    node n "$@" >/dev/full 2>"$tmp/err"
    is $? "$wanted" && grep -q 'standard output: write failed' "$tmp/err"
}
ok "a full disk is noticed by log" full 1 log
ok "by export" full 1 export list
ok "by --help" full 1 import --help
ok "and by sweep, as an error" full 2 sweep "$tmp/log"
ok "a reader that has seen enough is no error" eval 'node n log | head -0; [ "${PIPESTATUS[0]}" = 0 ]'
ok "no message lands in a database" eval 'for i in 1 2 3; do node n log >&- 2>&- <&-; done; node n verify'
no "a closed standard input is no empty record" eval 'node n publish --kind culture/note --tlp clear - <&-'
ok "sweep goes on behind a file that is missing" eval 'node n sweep "$tmp/missing" "$tmp/log" >"$tmp/out" 2>/dev/null; [ $? = 2 ] && grep -q evil.example "$tmp/out"'
ok "a file name may be anything" eval 'cp "$tmp/log" "$tmp/a
b \"c" && node n sweep "$tmp/a
b \"c"'
ok "an export is for whoever reads it" eval 'node n export rpz -o "$tmp/rpz" && is "$(stat -c %a "$tmp/rpz")" 644'
ok "unless it holds what is not public" eval 'node n export csv --all -o "$tmp/csv" && is "$(stat -c %a "$tmp/csv")" 600'
ok "a mode that was chosen stays" eval 'chmod 640 "$tmp/rpz" && node n export rpz -o "$tmp/rpz" && is "$(stat -c %a "$tmp/rpz")" 640'
start n --alone
ok "a second server is refused" eval '! node n serve --listen 127.0.0.1:0 2>"$tmp/err" && grep -q "runs on this folder already" "$tmp/err"'
ok "status knows that one runs" eval 'node n status | grep -q "node *running"'
ok "other commands work beside it" eval 'echo hi | node n publish --kind culture/note --tlp clear -'
stop n
ok "and that none does" eval 'node n status | grep -q "not running"'
ok "the completion knows the commands" eval 'bash -c "source completion/tongzhou.bash; COMP_WORDS=($bin pe); COMP_CWORD=1; _tongzhou; [[ \" \${COMPREPLY[*]} \" == *\" peer \"* ]]"'
done_testing
