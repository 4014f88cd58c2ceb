#!/bin/bash
# Notices leave the node by hooks, mail and system logs: in order, at least once, for their role alone, from within the sandbox.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

command -v openssl >/dev/null || { skip "notices outside" "there is no openssl to make keys with"; done_testing; }
mkdir "$tmp/r"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=receiver -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$tmp/r/key.pem" -out "$tmp/r/cert.pem" 2>/dev/null
mode() { echo "$1" >"$tmp/r/mode.new" && mv "$tmp/r/mode.new" "$tmp/r/mode"; }
mode good
python3 "$(dirname "$0")/receiver.py" "$tmp/r" 2>"$tmp/r/errors" &
echo $! >"$tmp/receiver.pid"
until_true test -s "$tmp/r/ports"
port() { sed -n "s/^$1 //p" "$tmp/r/ports"; }
touch "$tmp/r/hooks" "$tmp/r/mails" "$tmp/r/lines"

for name in a b; do init $name $name.example --lang zh-Hans; done
printf '%s\n' 'refuse accept kind culture/advert reason "no advertising"' >"$tmp/b/policy.conf"
say() { echo "$2" | node a publish --kind "$1" --tlp clear - | sed 's,/[a-z2-7]*/,/,'; }
told() { node b tell list --json | jq -r "select(.target|startswith(\"$1\"))|$2"; }

# ---- what an administrator may say, and may not ----
hook=http://127.0.0.1:$(port hook)
printf 's3cret-of-the-hook\n' >"$tmp/secret"
no "nothing has a default audience" node b tell add "$hook/x" --inside
no "no unknown role" node b tell add "$hook/x" --inside --role everybody
no "no unknown topic" node b tell add "$hook/x" --inside --role reader --topic weather
no "no hook without TLS outside" node b tell add "$hook/x" --role reader
no "no secret that others may read" eval 'chmod 644 "$tmp/secret"; node b tell add "$hook/x" --inside --role reader --secret "$tmp/secret"'
chmod 600 "$tmp/secret"
no "no header in an address" node b tell add $'mailto:a@b.example\r\nBcc: c@d.example' --role reader
no "no password without TLS" node b tell mail "smtp://127.0.0.1:$(port smtp)" --inside --from node@b.example --plain --user node --password "$tmp/secret"
ok "a hook" node b tell add "$hook/notices/T0?key=k1" --inside --role analyst --secret "$tmp/secret"
no "twice" node b tell add "$hook/notices/T0?key=k1" --inside --role reader
ok "one over TLS that others' certificates would not do for" node b tell add "https://127.0.0.1:$(port hooks)/" --inside --role reader --ca "$tmp/r/cert.pem" --full
ok "one that may not be inside" node b tell add "https://127.0.0.1:$(port hooks)/outside" --role administrator
ok "one that nobody vouches for" node b tell add "https://localhost:$(port hooks)/stranger" --inside --role administrator
ok "system logs" eval '
    node b tell add "unix:$tmp/r/log.socket" --role analyst --full &&
    node b tell add "udp://127.0.0.1:$(port udp)" --inside --role reader &&
    node b tell add "tcp://127.0.0.1:$(port tcp)" --inside --role reader --topic erasure &&
    node b tell add "tls://127.0.0.1:$(port tls)" --inside --role reader --ca "$tmp/r/cert.pem"'
printf 'right\n' >"$tmp/password"
chmod 600 "$tmp/password"
printf 'correct horse battery\n' | node b user add li --role reader --password-stdin >/dev/null
ok "mail" eval '
    node b tell mail "smtp://127.0.0.1:$(port smtp)" --inside --from node@b.example --user node --password "$tmp/password" --ca "$tmp/r/cert.pem" &&
    node b tell add mailto:people@b.example --role analyst --every hour &&
    node b tell add mailto:li@b.example --user li --lang en --full'
ok "the password is its user's alone" eval 'is "$(stat -c %a "$tmp/b/keys/mail-password")/$(cat "$tmp/b/keys/mail-password")" 600/right'
ok "the trail says who is told, without what addresses hide" eval 'node b audit | grep -q "tell add .*127.0.0.1:[0-9]*/\.\.\." && ! node b audit | grep -q k1'
ok "a test of each kind" eval '
    node b tell test "$hook/notices/T0?key=k1" && node b tell test "unix:$tmp/r/log.socket" && node b tell test mailto:people@b.example &&
    node b tell test "tls://127.0.0.1:$(port tls)" && node b tell test "tcp://127.0.0.1:$(port tcp)"'
no "a test that nobody takes" node b tell test "https://127.0.0.1:$(port hooks)/outside"
ok "the mail went over TLS, signed in, in the language of the node" eval 'jq ".tls and .who == [\"node\", \"right\"] and .to == [\"<people@b.example>\"] and (.text | contains(\"Content-Language: zh-Hans\"))" "$tmp/r/mails" | grep -qx true'
ok "the log got a line of RFC 5424" until_true eval 'is "$(grep -cE "^<29>1 20[0-9TZ.:-]+ [^ ]+ tongzhou [0-9]+ test \[tongzhou@32473 topic=\"test\" id=\"0\"\]$" "$tmp/r/lines")" 3'
: >"$tmp/r/hooks"
: >"$tmp/r/lines"
: >"$tmp/r/mails"

# ---- the node runs, in its sandbox, with ports that it may connect to ----
start a --alone
mode later
start b --alone --connect-ports "$(url a | sed 's/.*://')"
peer b a >/dev/null
advert=$(say culture/advert "buy-this-secret-thing")
note=$(say culture/note soon-withdrawn)
ok "both arrived" until_true eval 'is "$(node b policy refused | wc -l)" 1 && node b show --body "$note"'
patient() { [ "$(told "$hook/notices" "select(.failures == 1)|.due|sub(\"\\\\.[0-9]+\";\"\")|fromdate")" -gt $(($(date +%s) + 2800)) ]; }
ok "a hook that asks for patience is not asked sooner" until_true patient
mode good
: >"$tmp/r/hooks"
ok "unless it takes a test" node b tell test "$hook/notices/T0?key=k1"
ok "erased by its author" node a erase "$note"
got() { jq -r "select(.path|startswith(\"$1\")).body" "$tmp/r/hooks" | jq -r ".notices[]|$2"; }
ok "the hook is told both, in order" until_true eval 'is "$(got /notices .what | xargs)" "content-refused content-erased"'
ok "topic, member and record alone" eval 'is "$(got /notices "keys_unsorted|join(\" \")" | sort -u)" "id topic what time first count origin record"'
ok "the record is named" eval 'is "$(got /notices "select(.what == \"content-refused\").record" | sed s,/.*/,/,)" "$advert"'
ok "a reader's hook is told what is for readers, with a sentence" until_true eval 'is "$(jq -r "select(.path == \"/\").body" "$tmp/r/hooks" | jq -r ".notices[].text" | sed "s,/.* has,/ has,")" "a.example/ has withdrawn a content; it is erased here."'
ok "the secret goes along" eval 'is "$(jq -r "select(.path|startswith(\"/notices\")).headers.authorization" "$tmp/r/hooks" | sort -u)" "Bearer s3cret-of-the-hook"'
ok "the socket file is told both, too" until_true eval 'is "$(grep -c "tongzhou [0-9]* content-\(refused\|erased\) .*record=" "$tmp/r/lines")" 5'
ok "with a sentence to one alone" eval 'is "$(grep -c "withdrawn a content" "$tmp/r/lines")" 1'
no "nothing of what was said leaves" grep -rqE "secret-thing|soon-withdrawn" "$tmp/r/hooks" "$tmp/r/lines" "$tmp/r/mails"
ok "who may not be inside is never dialled" until_true eval 'is "$(told "https://127.0.0.1:$(port hooks)/outside" ".failures > 0")" true && ! grep -q outside "$tmp/r/hooks"'
ok "who shows a strange certificate is told nothing" until_true eval 'is "$(told https://localhost ".failures > 0")" true && ! grep -q stranger "$tmp/r/hooks"'
ok "mail waits for its hour" eval 'is "$(told mailto:people "\"\(.waiting) \(.sent)\"")" "2 0" && ! [ -s "$tmp/r/mails" ]'

# ---- the signature, checked by what is not ours ----
verified() { # of the first post: rebuild what RFC 9421 says, by hand
    local post key input
    post=$(jq -c 'select(.path|startswith("/notices"))' "$tmp/r/hooks" | head -1)
    header() { jq -r ".headers[\"$1\"]" <<<"$post"; }
    jq -j .body <<<"$post" >"$tmp/body"
    is "$(header content-digest)" "sha-256=:$(openssl dgst -sha256 -binary "$tmp/body" | base64 -w0):" || return 1
    input=$(header signature-input)
    printf '"@method": POST\n"@authority": %s\n"@path": /notices/T0\n"@query": ?key=k1\n"content-type": %s\n"content-digest": %s\n"@signature-params": %s' \
        "$(header host)" "$(header content-type)" "$(header content-digest)" "${input#tongzhou=}" >"$tmp/base"
    header signature | sed 's/^tongzhou=://; s/:$//' | base64 -d >"$tmp/signature"
    key=$(node b show b.example/0 | sed -n 's/.*"request_key":"\([^"]*\)".*/\1/p')
    { printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; base64 -d <<<"$key"; } >"$tmp/key.der"
    grep -q 'tag="tongzhou-hook"' <<<"$input" && openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$tmp/key.der" -in "$tmp/base" -sigfile "$tmp/signature"
}
ok "openssl verifies the digest and the signature of a post" verified
no "the node takes it for no member's request" eval 'curl -sf -X POST -H "Signature-Input: $(jq -r .headers[\"signature-input\"] "$tmp/r/hooks" | head -1)" -H "Signature: $(jq -r .headers.signature "$tmp/r/hooks" | head -1)" --data-binary @"$tmp/body" "$(url b)/heads"'

# ---- killed between delivery and commit ----
mode cut
say culture/advert "once more" >/dev/null
: >"$tmp/r/hooks"
node b tell list >/dev/null
erased=$(say culture/note soon-gone)
until_true node b show --body "$erased" >/dev/null
node a erase "$erased" >/dev/null
ok "a receiver has it, and does not say so" until_true eval 'got /notices .id | grep -q .'
{
    kill -9 "$(cat "$tmp/b.pid")"
    until ended "$(cat "$tmp/b.pid")"; do sleep 0.02; done
} 2>/dev/null
first=$(got /notices .id | head -1)
mode good
start b --alone --connect-ports "$(url a | sed 's/.*://')"
ok "it comes again, with the same id" until_true eval 'is "$(jq -r "select(.mode == \"good\" and (.path|startswith(\"/notices\"))).body" "$tmp/r/hooks" | jq -r ".notices[0].id" | head -1)" "$first"'

# ---- receivers that refuse, lead elsewhere, never end, or ask for patience ----
try() { # mode: one more notice, and what becomes of it
    mode "$1"
    node b tell test "$hook/notices/T0?key=k1" 2>&1
}
ok "refused" eval 'try refuse | grep -q "it answered 500"'
ok "a redirect is not followed" eval 'try redirect | grep -q "it answered 307: a redirect, which is not followed" && ! [ -e "$tmp/r/elsewhere" ]'
no "nor said where to: it may be the secret path with a slash more" eval 'try redirect | grep -q elsewhere'
ok "a long answer is cut off" eval 'try large | grep -q "longer than 65536 bytes" && until_true test -s "$tmp/r/large"'
node b tell remove "$hook/notices/T0?key=k1" >/dev/null
ok "it is told nothing any more, and its secret is gone" eval '! ls "$tmp/b/keys/" | grep -q "^tell-"'
ok "status says who fails" eval 'node b status | grep -q "told  *9 outside, [2-9] failing" && node b status | grep -qE "https://localhost:[0-9]+/\.\.\.: [0-9]+ waiting, failed [0-9]+ times?: " && node b status --json | jq -e ".told|length == 9"'
ok "so do the figures, to whom they are for" eval '
    node b user add root --role administrator --no-password >/dev/null
    token=$(node b token add root m --scope metrics | head -1)
    curl -s -H "Authorization: Bearer $token" "$(url b)/metrics" >"$tmp/figures"
    grep -qE "^tongzhou_told_failures\{number=\"[0-9]+\",kind=\"hook\"\} [1-9]" "$tmp/figures" && grep -q "^tongzhou_told_waiting{number=\"[0-9]*\",kind=\"mail\"} " "$tmp/figures" &&
    ! curl -s "$(url b)/metrics" | grep -q tongzhou_told'
ok "and the page of administration" eval '
    token=$(node b token add root p --scope admin | head -1)
    curl -s -H "Authorization: Bearer $token" "$(url b)/administration" | grep -q "https://localhost:[0-9]*/\.\.\." '

# ---- mail, when its time has come ----
mode good
stop b
ripen() { sqlite3 "$tmp/b/state.db" "UPDATE teller SET due_ms = 0"; }
if command -v sqlite3 >/dev/null; then
    ripen
    start b --alone
    mails() { jq -r "select(.to == [\"<$1@b.example>\"]).text" "$tmp/r/mails" | tr -d '\r' | sed -e ':a' -e '/=$/{N;s/=\n//;ba' -e '}'; }
    ok "one mail with all of it" until_true eval 'is "$(told mailto:people .waiting)" 0 && is "$(mails people | grep -c "^Subject:")" 1'
    ok "a person's, by its role, in its language" until_true eval 'mails li | grep -q "has withdrawn a content" && ! mails li | grep -q refused'
    no "nothing of what was said stands in them" grep -qE "secret-thing|soon-" "$tmp/r/mails"
    stop b
    ripen
    start b --alone
    ok "none when nothing is new" until_true eval '[ "$(told mailto:people .due)" != null ] && is "$(mails people | grep -c "^Subject:")" 1'
    stop b
    start b --alone
    mode refuse
    ok "what the server says is escaped" eval 'node b tell test mailto:li@b.example 2>&1 | grep -vq $(printf "\033")'
    mode "no tls"
    ok "without STARTTLS nothing is sent" eval 'is "$(wc -l <"$tmp/r/mails")" 2; ! node b tell test mailto:li@b.example && is "$(wc -l <"$tmp/r/mails")" 2'
else
    skip "mail, when its time has come" "there is no sqlite3 to turn the clock with"
fi
ok "the password stays for the server that it is for" eval 'node b tell mail "smtp://127.0.0.1:$(port smtp)" --inside --from other@b.example --user node --ca "$tmp/r/cert.pem" && is "$(cat "$tmp/b/keys/mail-password")" right'
ok "no other server gets it" eval 'node b tell mail smtp://127.0.0.1:1 --inside --from node@b.example --user node && ! ls "$tmp/b/keys/" | grep -q mail-password'
stop b
stop a
done_testing
