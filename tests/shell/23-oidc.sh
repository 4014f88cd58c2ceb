#!/bin/bash
# Whom an OpenID Connect provider knows signs in as the user that is bound to it; what the provider must not say lets nobody in.
. "$(dirname "$0")/lib.sh"

command -v openssl >/dev/null || { skip "OpenID Connect" "there is no openssl to make keys with"; done_testing; }
init n n.example
node n user add li.wei --role administrator --no-password >/dev/null
node n user add zhang.min --role reader --no-password >/dev/null

# ---- the provider ----
mkdir "$tmp/provider"
openssl genrsa -out "$tmp/provider/key.pem" 2048 2>/dev/null
openssl genrsa -out "$tmp/provider/other.pem" 2048 2>/dev/null
echo li-at-sso >"$tmp/provider/who"
mode() { echo "$1" >"$tmp/provider/mode"; }
mode good
python3 "$(dirname "$0")/provider.py" "$tmp/provider" 2>"$tmp/provider/errors" &
echo $! >"$tmp/provider.pid"
until_true test -s "$tmp/provider/port"
issuer=http://127.0.0.1:$(cat "$tmp/provider/port")
asked() { grep -c "$1" "$tmp/provider/log"; }

no "an issuer alone" node n serve --listen 127.0.0.1:0 --oidc "$issuer"
no "one that others may read along" node n serve --listen 127.0.0.1:0 --oidc http://sso.example.org --oidc-client node-one
printf 's3cret-of-node-one\n' >"$tmp/n/keys/oidc-secret"
chmod 644 "$tmp/n/keys/oidc-secret"
no "a secret that others may read" node n serve --listen 127.0.0.1:0 --oidc "$issuer" --oidc-client node-one
chmod 600 "$tmp/n/keys/oidc-secret"
start n --oidc "$issuer" --oidc-client node-one

# ---- a browser ----
jar() { printf '%s' "$tmp/jar.$1"; }
browse() { # person, curl arguments...
    local who=$1
    shift
    curl -s -b "$(jar "$who")" -c "$(jar "$who")" "$@"
}
come() { # person, [next]: the status at the end; the page is in $tmp/answer, the address that it came back by in $tmp/back
    browse "$1" -L -o "$tmp/answer" -D "$tmp/head" -w '%{http_code}' "$(url n)/sign-in/oidc?next=${2:-/account}"
    grep -i '^location:' "$tmp/head" | tail -1 | cut -d' ' -f2 | tr -d '\r' >"$tmp/back"
}
is_in() { browse "$1" "$(url n)/account" | grep -q "<bdi>$2"; }

ok "the sign-in page offers it" eval 'curl -s "$(url n)/sign-in?next=/members" | grep -q "href=\"/sign-in/oidc?next=%2Fmembers\""'
ok "whom nobody has bound is not let in" eval 'is "$(come li)" 403 && grep -q "li-at-sso" "$tmp/answer"'
no "nor has a session" is_in li li.wei
ok "and stands in the trail" eval 'node n audit | grep -q "sign-in .*nobody here is li-at-sso"'
ok "user bind" node n user bind li.wei "$issuer" li-at-sso
no "not to two" node n user bind zhang.min "$issuer" li-at-sso
ok "what is bound is listed" eval 'node n user bind li.wei | grep -q "^$issuer *li-at-sso"'
ok "the one who is bound is let in" eval 'is "$(come li /members)" 200 && is_in li li.wei'
ok "by a page that goes on by itself" grep -qi "^refresh: 0; url=/members" "$tmp/head"
ok "the session is for this host's pages alone" eval 'grep -i "^set-cookie: tongzhou=" "$tmp/head" | grep -q "HttpOnly; SameSite=Strict"'
ok "the trail says so" eval 'node n audit | grep -q "li.wei .*sign-in .*done"'
ok "the provider was asked for its keys once" eval 'is "$(asked "GET /keys")" 1'

# ---- replayed, forged, somebody else's ----
refused() { # what comes back
    is "$(browse "$1" -o "$tmp/answer" -D "$tmp/head" -w '%{http_code}' "$2")" 403 && ! grep -qi "^set-cookie: tongzhou=" "$tmp/head"
}
ok "the same address again is nothing" refused li "$(cat "$tmp/back")"
begin() { browse "$1" -o /dev/null -w '%{redirect_url}' "$(url n)/sign-in/oidc"; }
back() { curl -s -o /dev/null -w '%{redirect_url}' "$1"; }
ok "nor in a browser that did not begin it" eval 'there=$(back "$(begin li)"); refused mallory "$there"; ! is_in mallory li.wei'
ok "nor in one that began another" eval 'there=$(back "$(begin li)"); begin mallory >/dev/null; refused mallory "$there"; ! is_in mallory li.wei'
ok "nor with another code" eval 'rm -f "$(jar li)"; there=$(back "$(begin li)"); refused li "${there/code=/code=x}"; ! is_in li li.wei'
ok "nor with the answer of another provider (RFC 9207)" eval 'there=$(back "$(begin li)"); refused li "$there&iss=https%3A%2F%2Fevil.example"; ! is_in li li.wei'
ok "nor when it signed nobody in" eval 'there=$(back "$(begin li)"); refused li "$(printf %s "$there" | sed "s/code=[^&]*/error=access_denied/")"; ! is_in li li.wei'
ok "it goes on to pages of this node only" eval 'is "$(come li //evil.example)" 200 && grep -qi "^refresh: 0; url=/[[:space:]]*$" "$tmp/head"'
stop n
start n --oidc "$issuer" --oidc-client node-one # strangers' failures are forgotten
for wrong in none "wrong key" "new key" audience issuer expired nonce; do
    mode "$wrong"
    rm -f "$(jar li)"
    ok "a token that is wrong is refused: $wrong" eval 'is "$(come li)" 403 && ! is_in li li.wei'
done
ok "the log says why" eval 'grep -q "signing in by $issuer: ID token: for somebody else" "$tmp/n.log" && grep -q "algorithm that is not taken" "$tmp/n.log"'
mode good
ok "a locked user is not let in" eval 'node n user lock li.wei >/dev/null; is "$(come li)" 403 && ! is_in li li.wei'
node n user unlock li.wei >/dev/null
ok "nor one that is bound no more" eval 'node n user unbind li.wei >/dev/null; is "$(come li)" 403 && ! is_in li li.wei'
ok "guessing is slowed down" eval 'for _ in $(seq 1 12); do browse mallory -o /dev/null -w "%{http_code} " "$(url n)/sign-in/oidc/back?code=x&state=y"; done | grep -q 429'
ok "the secret is nowhere but in its file" eval '! grep -rqa s3cret-of-node-one "$tmp/n/state.db" "$tmp/n.log" "$tmp/n.out"'
stop n

# ---- what is not there, and a secret that systemd hands in ----
mkdir "$tmp/credentials"
mv "$tmp/n/keys/oidc-secret" "$tmp/credentials/oidc-secret"
node n user bind li.wei "$issuer" li-at-sso >/dev/null
CREDENTIALS_DIRECTORY=$tmp/credentials start n --oidc "$issuer/" --oidc-client node-one
ok "a provider that calls itself otherwise is not believed" eval 'is "$(come li)" 503 && grep -q "another provider says of itself" "$tmp/n.log"'
ok "others are served meanwhile" eval 'curl -sf "$(url n)/" >/dev/null'
stop n
CREDENTIALS_DIRECTORY=$tmp/credentials start n --oidc "$issuer" --oidc-client node-one
ok "the secret as a credential" eval 'is "$(come li)" 200 && is_in li li.wei'
stop n
start n
ok "without --oidc there is nothing" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" "$(url n)/sign-in/oidc")" 404 && ! curl -s "$(url n)/sign-in" | grep -q oidc'
stop n
LISTEN=0.0.0.0:0 start n --oidc "$issuer" --oidc-client node-one --oidc-base https://n.example
sed -i 's/0\.0\.0\.0/127.0.0.1/' "$tmp/n.url"
ok "off loopback without TLS it is not offered" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" "$(url n)/sign-in/oidc")" 403'
stop n
done_testing
