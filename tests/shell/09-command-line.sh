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
ok "the manual has no errors" eval '! command -v mandoc >/dev/null || ! mandoc -T lint -W error man/tongzhou.1 | grep .'
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
ok "the completion knows the commands" eval 'bash -c "source completion/tongzhou.bash; COMP_WORDS=($bin pe); COMP_CWORD=1; _tongzhou; [[ \" \${COMPREPLY[*]} \" == *\" peer \"* ]]"'
done_testing
