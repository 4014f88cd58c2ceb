#!/bin/bash
# People of a member that lives on another's node speak for that member alone, and see what it may see: not what its host keeps.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

init n n.example
node n member add --name guest.example --class civil --alone --recovery-out "$tmp/guest.recovery" >/dev/null
origin() { node n members --json | jq -r "select(.origin|startswith(\"$1/\"))|.origin"; }
host=$(origin n.example)
guest=$(origin guest.example)
say() { # what, marking, options...: the operator says it; its index
    printf '%s\n' "$1" | node n publish --kind culture/note --tlp "$2" --alone "${@:3}" - 2>/dev/null | grep -oE '[0-9]+$' | tail -1
}
open=$(say "for everybody" clear)
kept=$(say "for the house" amber --keep)
given=$(say "for the guest" amber --to guest.example)
strict=$(say "for the guest alone" amber+strict --to guest.example)
{
    echo 'hold kind spam/* reason "Partner reason"'
    echo 'refuse share kind spam/* reason "Partner reason"'
    node n policy show
} >"$tmp/rules"
mv "$tmp/rules" "$tmp/n/policy.conf"
right="correct horse battery"
for user in "speaker publisher" "admin administrator"; do
    read -r name role <<<"$user"
    printf '%s\n' "$right" | node n user add "$name" --role "$role" --member guest.example --password-stdin >/dev/null
done
printf '%s\n' "$right" | node n user add host.one --role publisher --password-stdin >/dev/null
start n --alone

jar() { printf '%s' "$tmp/jar.$1"; }
browse() { # person, curl arguments...
    local who=$1
    shift
    curl -s -b "$(jar "$who")" -c "$(jar "$who")" "$@"
}
form_token() { grep -oE 'name="csrf" value="[a-z2-7]{52}"' | head -1 | cut -d'"' -f4; }
sign_in() {
    local token
    token=$(browse "$1" "$(url n)/sign-in" | form_token)
    browse "$1" -o /dev/null -w '%{http_code}' -d "csrf=$token" -d "name=$1" --data-urlencode "password=$right" "$(url n)/sign-in"
}
code() { browse "$1" -o "$tmp/answer" -w '%{http_code}' "$(url n)$2"; }
sees() { browse "$1" "$(url n)/record/$2/$3" | grep -q "$4"; }
post() { # person, address, curl arguments...: the status
    browse "$1" -o "$tmp/answer" -w '%{http_code}' -F "csrf=$(browse "$1" "$(url n)/account" | form_token)" "${@:3}" "$(url n)$2"
}
publish() { # person, curl arguments...: previewed, then said; the status
    post "$1" /publish -F step=preview -F kind=culture/note -F type=text/plain "${@:2}" >/dev/null
    post "$1" /publish -F step=publish -F "seen=$(grep -oE 'name="seen" value="[0-9a-f]+"' "$tmp/answer" | cut -d'"' -f4)" -F kind=culture/note -F type=text/plain "${@:2}"
}
for who in speaker admin host.one; do ok "$who signs in" eval 'is "$(sign_in $who)" 303'; done

ok "a person of the host sees what is kept" sees host.one "$host" "$kept" "for the house"
no "a person of the guest does not" sees speaker "$host" "$kept" "for the house"
no "whatever its role" sees admin "$host" "$kept" "for the house"
no "nor in any list" eval 'for page in / /members /members/${host} /community; do browse admin "$(url n)$page"; done | grep -q "for the house"'
ok "but what is for the guest" eval 'sees speaker "$host" "$given" "for the guest" && sees speaker "$host" "$strict" "for the guest alone"'
ok "and what is for everybody" sees speaker "$host" "$open" "for everybody"
ok "the form speaks for the guest" eval 'is "$(code speaker /publish)" 200 && grep -q "members/guest.example" "$tmp/answer" && ! grep -q "log of.*members/n.example" "$tmp/answer"'
before=$(node n log n.example --limit 0 | wc -l)
ok "what is said stands in its log" eval 'is "$(publish speaker -F tlp=clear -F "body=by the guest")" 303 && node n log guest.example | grep -q "by the guest"'
ok "and not in the host's" eval 'is "$(node n log n.example --limit 0 | wc -l)" "$before"'
ok "what the guest keeps its own people see" eval 'is "$(publish speaker -F tlp=amber -F keep=1 -F "body=of the guest alone")" 303 && sees speaker "$guest" 2 "of the guest alone"'
ok "a token speaks for it, too" eval 'token=$(node n token add speaker p --scope publish | head -1); preview=$(curl -s -H "Authorization: Bearer $token" -F step=preview -F kind=culture/note -F type=text/plain -F tlp=clear -F "body=by a program" "$(url n)/publish" | grep -oE "name=\"seen\" value=\"[0-9a-f]+\"" | cut -d"\"" -f4); curl -s -o /dev/null -H "Authorization: Bearer $token" -F step=publish -F "seen=$preview" -F kind=culture/note -F type=text/plain -F tlp=clear -F "body=by a program" "$(url n)/publish"; node n log guest.example | grep -q "by a program" && ! node n log n.example | grep -q "by a program"'
for page in /administration /users /inbox /policy/held; do
    ok "what concerns the node is not for its guests: $page" eval 'is "$(code admin $page)" 403'
done
no "nor are the rules" eval 'browse admin "$(url n)/policy" | grep -q "Partner reason"'
previews() { post "$1" /api/preview -F type=text/plain -F body=draft "${@:2}"; }
ok "a preview tells a guest what becomes of its content, not by which rule" eval 'is "$(previews admin -F kind=spam/x -F tlp=clear)" 200 && jq -e ".rules == []" "$tmp/answer" && ! grep -q "Partner reason" "$tmp/answer" && post admin /publish -F step=preview -F kind=spam/x -F type=text/plain -F tlp=clear -F body=draft && ! grep -q "Partner reason" "$tmp/answer"'
ok "its own people are told by which" eval 'previews host.one -F kind=spam/x -F tlp=clear && grep -q "Partner reason" "$tmp/answer"'
ok "two groups, the list of one for nobody else" eval 'node n community group open-desk guest.example --alone && node n community group closed-desk guest.example --tlp amber --alone'
in_group() { previews "$1" -F kind=culture/note -F tlp=amber -F "to=n.example#$2" && jq -e ".blocked == $3" "$tmp/answer"; }
ok "who may not read a group's list is not told by a preview that there is one" eval 'until_true in_group host.one closed-desk false && in_group admin closed-desk true && grep -q "no such group" "$tmp/answer"'
ok "nor otherwise than of one that there is not" eval 'cp "$tmp/answer" "$tmp/closed" && in_group admin no-desk true && cmp <(sed s/closed-desk/no-desk/ "$tmp/closed") "$tmp/answer"'
ok "who may read it is" eval 'in_group admin open-desk true; ! grep -q "no such group" "$tmp/answer"'
ok "which its own people read" eval 'browse host.one "$(url n)/policy" | grep -q "Partner reason"'
ok "figures are the public's" cmp <(browse admin "$(url n)/policy/rates" | sed -n '/<main/,/<\/main/p') <(curl -s "$(url n)/policy/rates" | sed -n '/<main/,/<\/main/p')
no "nor whom it locks" eval 'is "$(post admin /users -F lock=host.one)" 303'
ok "who becomes a person of the operator sees it all" eval 'node n user remove speaker >/dev/null && printf "%s\n" "$right" | node n user add speaker --role publisher --password-stdin >/dev/null && rm -f "$(jar speaker)" && is "$(sign_in speaker)" 303 && sees speaker "$host" "$kept" "for the house"'
stop n
done_testing
