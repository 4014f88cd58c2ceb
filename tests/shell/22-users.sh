#!/bin/bash
# People sign in and see what their role allows, programs act by tokens that end; guessing, forged forms and stale sessions get nowhere.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

init n n.example
say() { echo "$2" | node n import --format list --tlp "$1" --keep - >/dev/null; }
echo clear.example | node n import --format list --tlp clear - >/dev/null
say amber amber.example
say amber+strict strict.example
say red red.example
password() { printf '%s\n' "$1"; }
right="correct horse battery"
for role in reader analyst publisher administrator; do
    ok "user add: $role" eval 'password "$right" | node n user add "$role.one" --role "$role" --password-stdin'
done
no "twice" eval 'password "$right" | node n user add reader.one --role reader --password-stdin'
no "a short password" eval 'password short | node n user add x --role reader --password-stdin'
ok "user list" eval 'is "$(node n user list | grep -c "since")" 4'
ok "a drawn password is shown" eval 'node n user password publisher.one --generate | grep -qE "shown this once: [a-z0-9]{5}(-[a-z0-9]{5}){3}$"'
start n

# ---- a browser: cookies in a jar, forms with their token ----
jar() { printf '%s' "$tmp/jar.$1"; }
browse() { # person, curl arguments...
    local who=$1
    shift
    curl -s -b "$(jar "$who")" -c "$(jar "$who")" -A browser "$@"
}
form_token() { grep -oE 'name="csrf" value="[a-z2-7]{52}"' | head -1 | cut -d'"' -f4; }
sign_in() { # person, password, code: the status
    local token
    token=$(browse "$1" "$(url n)/sign-in" | form_token)
    browse "$1" -o "$tmp/answer" -w '%{http_code}' --data-urlencode "csrf=$token" --data-urlencode "name=$1" \
        --data-urlencode "password=$2" --data-urlencode "code=${3:-}" "$(url n)/sign-in"
}
sees() { # person: the values on the pages
    local i
    for i in 1 2 3 4; do browse "$1" "$(url n)/record/$origin/$i"; done | grep -aoE '(clear|amber|strict|red)\.example' | sort -u | tr '\n' ' '
}
finds() { # person: what search knows
    local value
    for value in clear.example amber.example strict.example red.example; do
        browse "$1" "$(url n)/intelligence?q=$value" | grep -q 'class="value"' && echo "$value"
    done | sort | tr '\n' ' '
}
printf '%s\n' clear.example amber.example strict.example red.example >"$tmp/log"
sweeps() { browse "$1" -F "csrf=$(browse "$1" "$(url n)/intelligence" | form_token)" -F "file=@$tmp/log" "$(url n)/sweep" | grep -oE '<mark>[a-z.]+' | cut -c7- | sort -u | tr '\n' ' '; }
origin=$(node n members --json | jq -r 'select(.origin|startswith("n.example/"))|.origin')

all="amber.example clear.example strict.example "
ok "the public sees what is clear" eval 'is "$(sees nobody)" "clear.example "'
ok "a reader signs in" eval 'is "$(sign_in reader.one "$right")" 303'
ok "and sees all but red" eval 'is "$(sees reader.one)" "$all"'
ok "but finds and sweeps what the public does" eval 'is "$(finds reader.one)/$(sweeps reader.one)" "clear.example /clear.example "'
ok "an analyst signs in" eval 'is "$(sign_in analyst.one "$right")" 303'
ok "and sees all but red" eval 'is "$(sees analyst.one)" "$all"'
ok "finds it" eval 'is "$(finds analyst.one)" "$all"'
ok "and sweeps for it" eval 'is "$(sweeps analyst.one)" "$all"'
ok "what is for nodes stays the public's" eval '! browse analyst.one "$(url n)/logs/$(curl -s "$(url n)/heads" | grep -oE "^[0-9a-f]{64}")/payload/0" | grep -aq amber.example'
ok "nothing between keeps a page" eval 'browse analyst.one -D - -o /dev/null "$(url n)/record/$origin/2" | grep -qi "^cache-control: private, no-store"'
ok "the page says for whom" eval 'browse reader.one "$(url n)/record/$origin/2" | grep -q "TLP:AMBER"'
ok "and who is signed in" eval 'browse reader.one "$(url n)/" | grep -q "/account\"><bdi>reader.one"'
ok "the account page in Chinese" eval 'browse reader.one "$(url n)/account?lang=zh-Hans" | grep -q "读者"'

# ---- what is refused ----
ok "wrong password" eval 'is "$(sign_in guess "$right")" 403'
cp "$tmp/answer" "$tmp/unknown"
ok "the same answer for a user who is there" eval 'rm -f "$(jar publisher.one)"; is "$(sign_in publisher.one "not it at all")" 403 && diff <(sed "s/[a-z2-7]\{52\}//g" "$tmp/unknown") <(sed "s/[a-z2-7]\{52\}//g" "$tmp/answer")'
ok "a form without its token" eval 'is "$(browse analyst.one -o /dev/null -w "%{http_code}" -X POST -d x=y "$(url n)/sign-out")" 403'
ok "with another's" eval 'is "$(browse analyst.one -o /dev/null -w "%{http_code}" -d "csrf=$(browse reader.one "$(url n)/account" | form_token)" "$(url n)/sign-out")" 403'
ok "from another site" eval 'is "$(browse analyst.one -o /dev/null -w "%{http_code}" -H "Origin: http://evil.example" -d "csrf=$(browse analyst.one "$(url n)/account" | form_token)" "$(url n)/sign-out")" 403'
ok "after all that it is still signed in" eval 'is "$(sees analyst.one)" "$all"'
ok "a session that somebody put there is not taken" eval '
    fixed=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    token=$(curl -s -c "$tmp/fix" -b "tongzhou=$fixed" "$(url n)/sign-in" | form_token)
    form=$(grep tongzhou-form "$tmp/fix" | cut -f7)
    curl -s -o /dev/null -D "$tmp/head" -b "tongzhou=$fixed; tongzhou-form=$form" -d "csrf=$token" -d name=reader.one --data-urlencode "password=$right" "$(url n)/sign-in"
    grep -qi "^set-cookie: tongzhou=" "$tmp/head" && ! grep -qi "set-cookie: tongzhou=$fixed" "$tmp/head" && curl -s -b "tongzhou=$fixed" "$(url n)/" | grep -q "/sign-in"'
ok "its cookie is for this host's pages alone" eval 'grep -i "^set-cookie: tongzhou=" "$tmp/head" | grep -q "; Path=/; HttpOnly; SameSite=Strict"'
ok "never framed" eval 'curl -s -D - -o /dev/null "$(url n)/sign-in" | grep -qi "^content-security-policy:.*frame-ancestors .none"'
ok "a form is small" eval 'head -c 100000 /dev/zero | tr "\0" a | curl -s -o /dev/null -w "%{http_code}" --data-binary @- "$(url n)/sign-in" | grep -q 413'
ok "a locked user is out at once" eval 'node n user lock reader.one >/dev/null && is "$(sees reader.one)" "clear.example " && is "$(sign_in reader.one "$right")" 403'
ok "and in again" eval 'node n user unlock reader.one >/dev/null && is "$(sign_in reader.one "$right")" 303'
ok "another role counts at once" eval 'node n user role reader.one analyst >/dev/null && is "$(finds reader.one)" "$all"'
ok "signing out ends the session itself" eval '
    cp "$(jar analyst.one)" "$(jar stolen)"
    is "$(browse analyst.one -o /dev/null -w "%{http_code}" -d "csrf=$(browse analyst.one "$(url n)/account" | form_token)" "$(url n)/sign-out")" 303
    is "$(sees stolen)" "clear.example "'

# ---- publishers ----
publish() { # person, curl arguments...: the status; what is previewed is said, if it may be
    local who=$1
    shift
    local fields=(-F "csrf=$(browse "$who" "$(url n)/account" | form_token)" -F type=text/plain -F lang=en "$@")
    browse "$who" -o "$tmp/answer" -w '%{http_code}' "${fields[@]}" "$(url n)/publish" >"$tmp/status"
    local seen
    seen=$(seen_of "$tmp/answer")
    [ -z "$seen" ] || browse "$who" -o "$tmp/answer" -w '%{http_code}' "${fields[@]}" -F step=publish -F "seen=$seen" "$(url n)/publish" >"$tmp/status"
    cat "$tmp/status"
}
seen_of() { sed -n 's/.*name="seen" value="\([0-9a-f]*\)".*/\1/p' "$1"; }
password "$right" | node n user password publisher.one --password-stdin >/dev/null
ok "a publisher signs in" eval 'is "$(sign_in publisher.one "$right")" 303'
ok "and is shown the form" eval 'browse publisher.one "$(url n)/publish" | grep -q "name=\"kind\""'
ok "says something" eval 'is "$(publish publisher.one -F kind=culture/note -F tlp=clear -F "body=from a page")" 303'
ok "which stands in the log" eval 'node n log n.example | grep -q "culture/note.*from a page"'
ok "and is public" eval 'curl -s "$(url n)/record/$origin/5/raw" | grep -q "^tlp clear" && curl -s "$(url n)/record/$origin/5/raw" | grep -q "from a page"'
ok "keeps something" eval 'is "$(publish publisher.one -F kind=culture/note -F tlp=amber -F keep=1 -F "body=kept here")" 303 && ! curl -s "$(url n)/record/$origin/6/raw" | grep -q "kept here"'
faulty() { # part of the reason, curl arguments...
    is "$(publish publisher.one -F "body=not said" "${@:2}")" 400 && grep -q "$1" "$tmp/answer"
}
once() { # curl arguments...: one request alone
    browse publisher.one -o "$tmp/answer" -w '%{http_code}' -F "csrf=$(browse publisher.one "$(url n)/account" | form_token)" -F kind=culture/note -F tlp=clear "$@" "$(url n)/publish"
}
ok "what was not previewed is not said" eval 'is "$(once -F "body=not said" -F step=publish)" 200 && grep -q "name=\"seen\"" "$tmp/answer"'
ok "nor what is another than was previewed" eval 'seen=$(seen_of "$tmp/answer") && is "$(once -F "body=not said at all" -F step=publish -F "seen=$seen")" 200 && grep -q "not what was previewed" "$tmp/answer"'
ok "the script of the form is shown the same" eval 'browse publisher.one -F "csrf=$(browse publisher.one "$(url n)/account" | form_token)" -F kind=culture/note -F tlp=clear -F "body=not said" "$(url n)/publish/preview" | grep -q "Everybody who asks for it"'
ok "amber for nobody" faulty "for nobody" -F kind=culture/note -F tlp=amber
ok "clear for few" faulty "for everybody" -F kind=culture/note -F tlp=clear -F to=n.example
ok "red for a member" faulty "named persons" -F kind=culture/note -F tlp=red -F to=n.example
ok "without a marking" faulty "default audience" -F kind=culture/note -F tlp=
ok "for a stranger" faulty "no member" -F kind=culture/note -F tlp=amber -F to=nobody.example
ok "for oneself" faulty "author alone" -F kind=culture/note -F tlp=amber -F to=n.example
ok "a kind with a way of its own" faulty "kind has to be" -F kind=connect/erase -F tlp=clear
ok "an object marked narrower" eval 'is "$(publish publisher.one -F kind=security/stix -F tlp=clear -F "body=$(jq -nc "{type:\"indicator\",spec_version:\"2.1\",id:\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\",created:\"2026-01-01T00:00:00Z\",modified:\"2026-01-01T00:00:00Z\",pattern:\"[domain-name:value = '"'"'x.example'"'"']\",pattern_type:\"stix\",valid_from:\"2026-01-01T00:00:00Z\",object_marking_refs:[\"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed\"]}")")" 400 && grep -q narrower "$tmp/answer"'
no "nothing of that was said" eval 'node n log n.example --limit 0 | grep -q "not said"'
ok "an analyst may not" eval 'is "$(publish analyst.one -F kind=culture/note -F tlp=clear -F body=x)" 403'
ok "a token for reading may not" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $(node n token add publisher.one r | head -1)" -F kind=culture/note -F tlp=clear -F body=x "$(url n)/publish")" 403'
ok "one for publishing may" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $(node n token add publisher.one p --scope publish | head -1)" -F kind=culture/note -F tlp=clear -F "body=by a program" "$(url n)/publish")" 303 && node n log n.example | grep -q "by a program"'
ask() { curl -s -o "$tmp/answer" -w '%{http_code}' -H "Authorization: Bearer $1" -F kind=culture/note -F "body=not said" "${@:2}" "$(url n)/api/preview"; }
p=$(node n token add publisher.one q --scope publish | head -1)
ok "and may ask who would get it" eval 'is "$(ask "$p" -F tlp=clear)" 200 && jq -e ".everybody and (.blocked|not)" "$tmp/answer"'
ok "what contradicts itself is an answer" eval 'is "$(ask "$p" -F tlp=amber)" 200 && jq -e ".blocked and (.contradiction|test(\"for nobody\"))" "$tmp/answer"'
ok "a token for reading may not ask" eval 'is "$(ask "$(node n token add publisher.one s | head -1)" -F tlp=clear)" 403'
ok "nor nobody" eval 'is "$(curl -s -o "$tmp/answer" -w "%{http_code}" -F kind=culture/note -F tlp=clear -F body=x "$(url n)/api/preview")" 403 && ! grep -q gets "$tmp/answer"'
ok "the trail says who" eval 'node n audit | grep -q "publisher.one .*publish .*record 5"'

# ---- administrators ----
ok "an administrator signs in" eval 'is "$(sign_in administrator.one "$right")" 303'
ok "and sees users" eval 'browse administrator.one "$(url n)/users" | grep -q "analyst.one"'
ok "how the node stands, and the trail" eval 'browse administrator.one "$(url n)/administration" >"$tmp/answer" && grep -q "wrong password" "$tmp/answer" && grep -q "plain HTTP" "$tmp/answer" && grep -q "built-in one has never been replaced" "$tmp/answer"'
ok "nobody else does" eval 'for who in reader.one publisher.one; do is "$(browse $who -o /dev/null -w "%{http_code}" "$(url n)/administration")" 403 || exit 1; done; is "$(curl -s -o /dev/null -w "%{http_code}" "$(url n)/administration")" 303'
ok "revokes a token of somebody" eval 'stray=$(node n token add publisher.one stray | head -1); is "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $stray" "$(url n)/")" 200 && is "$(browse administrator.one -o /dev/null -w "%{http_code}" -d "csrf=$(browse administrator.one "$(url n)/account" | form_token)" -d of=publisher.one -d revoke=stray "$(url n)/users")" 303 && is "$(curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $stray" "$(url n)/")" 401'
lock() { browse "$1" -o /dev/null -w "%{http_code}" -d "csrf=$(browse "$1" "$(url n)/account" | form_token)" -d "$2=publisher.one" "$(url n)/users"; }
ok "locks a user" eval 'is "$(lock administrator.one lock)" 303 && node n user list | grep -q "publisher.one .*LOCKED"'
ok "but not itself" eval 'is "$(browse administrator.one -o /dev/null -w "%{http_code}" -d "csrf=$(browse administrator.one "$(url n)/account" | form_token)" -d lock=administrator.one "$(url n)/users")" 409 && ! node n user list | grep -q "administrator.one .*LOCKED"'
ok "unlocks it" eval 'is "$(lock administrator.one unlock)" 303 && ! node n user list | grep -q LOCKED'
ok "an analyst does not" eval 'is "$(lock reader.one lock)" 403 && is "$(browse reader.one -o /dev/null -w "%{http_code}" "$(url n)/users")" 403 && ! node n user list | grep -q LOCKED'
ok "the public is led to the sign-in page" eval 'curl -s -o /dev/null -D - "$(url n)/users" | grep -qi "^location: /sign-in?next=/users"'

# ---- one-time codes ----
ok "codes are asked for" eval 'node n user totp analyst.one >"$tmp/uri" && grep -q "^otpauth://totp/n.example:analyst.one?secret=[A-Z2-7]\{32\}&" "$tmp/uri"'
code() { python3 - "$(grep -oE 'secret=[A-Z2-7]+' "$tmp/uri" | cut -c8-)" <<'P'
import base64, hmac, struct, sys, time
mac = hmac.new(base64.b32decode(sys.argv[1]), struct.pack(">Q", int(time.time()) // 30), "sha1").digest()
at = mac[19] & 15
print("%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) % 1000000))
P
}
ok "without one: no" eval 'is "$(sign_in analyst.one "$right")" 403'
now=$(code)
ok "with one: in" eval 'is "$(sign_in analyst.one "$right" "$now")" 303'
rm -f "$(jar analyst.one)"
ok "not with the same again" eval 'is "$(sign_in analyst.one "$right" "$now")" 403'

# Set up by oneself: with the password, a picture, and a first code.
codes() { # person, curl arguments...: the status
    browse "$1" -o "$tmp/answer" -w '%{http_code}' -d "csrf=$(browse "$1" "$(url n)/account" | form_token)" "${@:2}" "$(url n)/account/codes"
}
cp "$(jar reader.one)" "$(jar left.open)"
ok "a session that was left open does not set codes up" eval 'is "$(codes left.open -d "password=a guess at it")" 403 && ! grep -q otpauth "$tmp/answer"'
ok "the password does: a picture and an address" eval 'is "$(codes reader.one --data-urlencode "password=$right")" 200 && grep -q "<svg .*role=\"img\"" "$tmp/answer" && grep -o "otpauth://[^<]*" "$tmp/answer" | sed "s/&amp;/\&/g" >"$tmp/uri"'
ok "a wrong code puts nothing into force, and shows no picture again" eval 'is "$(codes reader.one -d first=abcdef)" 403 && ! grep -q otpauth "$tmp/answer" && ! node n user list | grep "reader.one" | grep -q "one-time"'
ok "the right one does" eval 'is "$(codes reader.one -d "first=$(code)")" 303 && node n user list | grep "reader.one" | grep -q "one-time"'
ok "the password alone is not enough then" eval 'is "$(codes reader.one --data-urlencode "password=$right")" 403 && ! grep -q otpauth "$tmp/answer"'
ok "nor at the sign-in page" eval 'is "$(sign_in reader.one "$right")" 403'
node n user totp reader.one --off >/dev/null
ok "the command line takes it off" eval 'is "$(sign_in reader.one "$right")" 303'

# ---- programs ----
token=$(node n token add publisher.one siem --scope read --expires 1h | head -1)
bearer() { curl -s -H "Authorization: Bearer $1" "${@:2}"; }
ok "a token reads" eval 'bearer "$token" "$(url n)/record/$origin/2/raw" | grep -q amber.example'
ok "not red" eval '! bearer "$token" "$(url n)/record/$origin/4/raw" | grep -q red.example'
ok "its secret is nowhere" nowhere "${token#tz_}" "$tmp/n"
ok "in an address it is nothing" eval '! curl -s "$(url n)/record/$origin/2/raw?access_token=$token" | grep -q amber.example'
ok "a wrong one is refused" eval 'is "$(bearer tz_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -o /dev/null -w "%{http_code}" "$(url n)/")" 401'
ok "two are" eval 'is "$(bearer "$token" -H "Authorization: Bearer $token" -o /dev/null -w "%{http_code}" "$(url n)/")" 400'
ok "token list" eval 'node n token list publisher.one | grep -q "siem .*read .*until"'
ok "revoked: refused" eval 'node n token remove publisher.one siem >/dev/null && is "$(bearer "$token" -o /dev/null -w "%{http_code}" "$(url n)/")" 401'
no "no scope beyond the role" node n token add reader.one more --scope admin
no "no token for ever" node n token add reader.one more --expires 1000d

# ---- guessing ----
guesses() { for _ in $(seq 1 12); do rm -f "$(jar guess)"; sign_in guess "wrong password $_"; echo; done | sort | uniq -c | tr -s ' ' | tr '\n' ';'; }
ok "guessing is slowed down" eval 'guesses | grep -q "429"'
ok "and says when to come again" eval '
    token=$(browse guess "$(url n)/sign-in" | form_token)
    browse guess -D - -o /dev/null -d "csrf=$token" -d name=x -d password=y "$(url n)/sign-in" | grep -qiE "^retry-after: [0-9]+"'
ok "the trail knows" eval 'node n audit --since 1h | grep -q "reader.one .*sign-in .*done" && node n audit | grep -q "^[^ ]* - .*no such user" && node n audit | grep -q "analyst.one .*wrong code"'
ok "nobody's typing stands in it" eval '! node n audit | grep -q guess'
ok "user remove" eval 'node n user remove publisher.one && ! node n user list | grep -q publisher'
stop n

# ---- a proxy that signs people in ----
start n --trust-proxy Remote-User@127.0.0.1
ok "whom the proxy names is signed in" eval 'curl -s -H "Remote-User: reader.one" "$(url n)/record/$origin/2" | grep -q amber.example'
ok "named twice: nobody" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" -H "Remote-User: reader.one" -H "Remote-User: administrator.one" "$(url n)/")" 400'
ok "who is no user here is nobody" eval '! curl -s -H "Remote-User: root" "$(url n)/record/$origin/2" | grep -q amber.example'
stop n
start n --trust-proxy Remote-User@192.0.2.7
ok "from elsewhere the header is nothing" eval '! curl -s -H "Remote-User: reader.one" "$(url n)/record/$origin/2" | grep -q amber.example'
ok "and the log says so" until_true grep -q "Remote-User, which is believed from 192.0.2.7 only: ignored" "$tmp/n.log"
stop n
no "a proxy without a header" node n serve --listen 127.0.0.1:0 --trust-proxy 127.0.0.1

# ---- off loopback ----
LISTEN=0.0.0.0:0 start n
everybody() { sed -i 's/0\.0\.0\.0/127.0.0.1/' "$tmp/n.url"; }
everybody
ok "off loopback nobody can sign in" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" "$(url n)/sign-in")" 403 && ! curl -s "$(url n)/" | grep -q /sign-in'
ok "nor use a session that is good" eval '! curl -s -b "$(jar reader.one)" "$(url n)/record/$origin/2" | grep -q amber.example'
token=$(node n token add reader.one siem --scope read --expires 1h | head -1)
ok "nor a token" eval '! bearer "$token" "$(url n)/record/$origin/2" | grep -q amber.example'
ok "but what is public is served" eval 'curl -s "$(url n)/record/$origin/1" | grep -q clear.example'
stop n
LISTEN=0.0.0.0:0 start n --insecure-sign-in
everybody
ok "unless that is said" eval 'bearer "$token" "$(url n)/record/$origin/2" | grep -q amber.example'
stop n

# ---- TLS of the node's own ----
certificate() { # name: $tmp/NAME.pem and $tmp/NAME.key
    openssl req -x509 -newkey ed25519 -nodes -days 2 -subj "/CN=$1.example" -addext "subjectAltName=IP:127.0.0.1" \
        -keyout "$tmp/$1.key" -out "$tmp/$1.pem" 2>/dev/null
}
if command -v openssl >/dev/null; then
    certificate first
    certificate second
    cp "$tmp/first.pem" "$tmp/now.pem" && cp -p "$tmp/first.key" "$tmp/now.key"
    no "half of it" node n serve --listen 127.0.0.1:0 --tls-cert "$tmp/now.pem"
    no "a key that is another's" node n serve --listen 127.0.0.1:0 --tls-cert "$tmp/now.pem" --tls-key "$tmp/second.key"
    chmod o+r "$tmp/second.key"
    no "a key that everybody can read" node n serve --listen 127.0.0.1:0 --tls-cert "$tmp/second.pem" --tls-key "$tmp/second.key"
    chmod o-r "$tmp/second.key"
    LISTEN=0.0.0.0:0 start n --tls-cert "$tmp/now.pem" --tls-key "$tmp/now.key"
    everybody
    secure() { curl -s --cacert "$tmp/$1.pem" "${@:2}"; }
    ok "pages come over TLS" eval 'secure first "$(url n)/" | grep -q "/sign-in"'
    no "not to who trusts another" secure second "$(url n)/"
    no "nor plainly" curl -sf "http${url_rest:=$(url n | cut -c6-)}/"
    no "nor over what is broken" curl -s --cacert "$tmp/first.pem" --tls-max 1.1 "$(url n)/"
    ok "a token is good there" eval 'secure first -H "Authorization: Bearer $token" "$(url n)/record/$origin/2" | grep -q amber.example'
    ok "the session's cookie is for TLS alone" eval '
        form=$(secure first -c "$tmp/jar.tls" "$(url n)/sign-in" | form_token)
        secure first -b "$tmp/jar.tls" -D - -o /dev/null -d "csrf=$form" -d name=reader.one --data-urlencode "password=$right" "$(url n)/sign-in" | grep -qi "^set-cookie: __Host-tongzhou=[a-z2-7]*; Path=/; HttpOnly; SameSite=Strict; Secure"'
    # A connection that waits for news while the certificate is exchanged.
    secure first -H "Prefer: wait=30" "$(url n)/heads?since=$(secure first "$(url n)/heads" | sed -n "s/^next //p")" >"$tmp/waited" &
    waiting=$!
    ok "somebody waits for news" until_true eval 'secure first "$(url n)/metrics" | grep -q "^tongzhou_http_waiting 1"'
    cp "$tmp/second.pem" "$tmp/now.pem" && cp "$tmp/second.key" "$tmp/now.key"
    kill -HUP "$(cat "$tmp/n.pid")"
    ok "the certificate is exchanged while it runs" until_true eval 'secure second "$(url n)/" | grep -q "/sign-in"'
    echo later.example | node n import --format list --tlp clear - >/dev/null 2>&1
    wait "$waiting"
    ok "who was connected before stays so" is $? 0
    ok "and is told what came later" grep -q "^[0-9a-f]* n.example/" "$tmp/waited"
    echo broken >"$tmp/now.pem"
    kill -HUP "$(cat "$tmp/n.pid")"
    ok "a broken one is told" until_true grep -q "the certificate stays as it was" "$tmp/n.log"
    ok "and not taken" eval 'secure second "$(url n)/" | grep -q "/sign-in"'
    stop n
else
    skip "TLS" "there is no openssl to make certificates with"
fi
done_testing
