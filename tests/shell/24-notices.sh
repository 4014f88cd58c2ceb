#!/bin/bash
# People are told what waits and what went wrong: each by its role, a flood as one line, and what one has read is read for oneself.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b; do init $name $name.example; done
right="correct horse battery"
for role in reader analyst administrator; do
    printf '%s\n' "$right" | node b user add "$role.one" --role "$role" --password-stdin >/dev/null
done
printf '%s\n' 'hold kind culture/essay reason "read first"' 'refuse accept kind culture/advert reason "no advertising"' >"$tmp/b/policy.conf"
say() { echo "$2" | node a publish --kind "$1" --tlp clear - | sed 's,/[a-z2-7]*/,/,'; }
ok "two nodes, b pulls from a" eval 'start a --alone && start b --alone && peer b a'
for i in $(seq 12); do essay=$(say culture/essay "essay $i <script>alert(1)</script>"); done
advert=$(say culture/advert "buy this")
note=$(say culture/note "soon-withdrawn")
ok "all arrived" until_true eval 'node b show --body "$note" && is "$(node b policy held | wc -l)" 12 && is "$(node b policy refused | wc -l)" 1'
inbox() { node b inbox --json "$@"; }
ok "what is held is one line with a count" eval 'is "$(inbox --topic held | jq -r "\"\(.what) \(.count) \(.origin|split(\"/\")[0])\"")" "content-held 12 a.example"'
ok "the last record is named" eval 'is "$(inbox --topic held | jq -r .record | sed s,/.*/,/,)" "$essay"'
ok "the refused one, too" eval 'is "$(inbox --topic refused | jq -r .record | sed s,/.*/,/,)" "$advert"'
ok "for people" eval 'node b inbox | grep -qE "Z held +Policy holds a content of a.example.*until somebody decides. \(12 times\)"'
ok "nothing of what the essays say" eval '! node b inbox --json --all | grep -qE "script|essay 1"'
ok "erased by its author" eval 'node a erase "$note"'
ok "and told" until_true eval 'is "$(inbox --topic erasure | jq -r .record | sed s,/.*/,/,)" "$note"'
no "an unknown topic" node b inbox --topic weather

# ---- the page ----
jar() { printf '%s' "$tmp/jar.$1"; }
browse() {
    local who=$1
    shift
    curl -s -b "$(jar "$who")" -c "$(jar "$who")" -A browser "$@"
}
form_token() { grep -oE 'name="csrf" value="[a-z2-7]{52}"' | head -1 | cut -d'"' -f4; }
sign_in() { # person, password
    local token
    token=$(browse "$1" "$(url b)/sign-in" | form_token)
    browse "$1" -o /dev/null -w '%{http_code}' --data-urlencode "csrf=$token" --data-urlencode "name=$1" --data-urlencode "password=$2" "$(url b)/sign-in"
}
lines() { browse "$1" "$(url b)/inbox${2:-}" | grep -c '<li.*class="title"'; }
press() { # person, name, value
    browse "$1" -o /dev/null -w '%{http_code}' --data "csrf=$(browse "$1" "$(url b)/inbox" | form_token)&$2=$3" "$(url b)/inbox"
}
unread() { browse "$1" "$(url b)/" | grep -oE 'href="/inbox">[^<]*( <strong>[0-9]+)?' | grep -oE '[0-9]+$'; }
for role in reader analyst administrator; do ok "$role signs in" eval 'is "$(sign_in $role.one "$right")" 303'; done
ok "nobody without signing in" eval 'is "$(curl -s -o /dev/null -w "%{http_code}" -A browser "$(url b)/inbox")" 303'
ok "a reader sees what is for readers" eval 'is "$(lines reader.one)" 1'
ok "an analyst what policy did" eval 'is "$(lines analyst.one)" 3 && is "$(lines analyst.one "?topic=held")" 1'
ok "the navigation says how many" eval 'is "$(unread analyst.one)/$(unread reader.one)" 3/1'
ok "the count is on the page" eval 'browse analyst.one "$(url b)/inbox" | grep -q "12 times"'
ok "in Chinese, too" eval 'browse analyst.one "$(url b)/inbox?lang=zh-Hans" | grep -q "策略暂存了.*12 次"; browse analyst.one -o /dev/null "$(url b)/inbox?lang=en"'
id=$(inbox --topic held | jq .id)
ok "one is read" eval 'is "$(press analyst.one read "$id")" 303 && is "$(lines analyst.one)/$(unread analyst.one)/$(lines analyst.one "?all=1")" 2/2/3'
ok "not for others" eval 'is "$(lines administrator.one)" 3'
ok "all are read" eval 'is "$(press administrator.one all 999999)" 303 && is "$(lines administrator.one)" 0 && is "$(unread administrator.one)" ""'
ok "a form without its token changes nothing" eval 'is "$(browse analyst.one -o /dev/null -w "%{http_code}" --data "all=999" "$(url b)/inbox")" 403 && is "$(lines analyst.one)" 2'
for at in "?topic=weather" "?before=x" "?before=-1" "?topic=held,peer,held"; do
    ok "refused: $at" eval 'is "$(browse analyst.one -o /dev/null -w "%{http_code}" "$(url b)/inbox$at")" 400'
done
more=$(say culture/essay "one more")
ok "more of the same is counted" until_true eval 'is "$(inbox --topic held | jq .count)" 13'
ok "the command line reads for itself" eval 'inbox --read >/dev/null && is "$(inbox)" "" && is "$(lines analyst.one)" 2 && is "$(inbox --all | wc -l)" 3'
for i in $(seq 11); do sign_in stranger "guess number $i" >/dev/null; done
ok "guessing passwords is told to administrators" eval 'is "$(lines administrator.one)/$(lines analyst.one)" 1/2 && is "$(inbox --topic security | jq -r .text)" "Somebody at 127.0.0.1 fails to sign in again and again."'
done_testing
