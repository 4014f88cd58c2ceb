#!/bin/bash
# On pages, too: the rules in sentences, what waits and was refused, a trial, decisions with reasons, objections of visitors; each
# for whom it is, without scripts, and in Chinese.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b; do init $name $name.example; done
for role in reader publisher; do printf 'correct horse battery\n' | node b user add $role.one --role $role --password-stdin >/dev/null; done
printf 'hold kind culture/essay reason "read first"\nrefuse accept kind culture/advert reason "no advertising"\nshare\n' >"$tmp/b/policy.conf"
say() { echo "$2" | node a publish --kind "culture/$1" --tlp "${3:-clear}" ${4:+--to "$4"} - | head -1 | sed 's,^,/,'; }
ok "both serve, b pulls from a" eval 'start a --alone && start b --alone && peer b a && peer a b'
note=$(say note plain-word)
essay=$(say essay long-word)
advert=$(say advert loud-word)
got() { node b show --body "${1#/}"; }
ok "a note comes in, an essay waits, an advert is refused" until_true eval 'got "$note" && node b policy held | grep -q essay && node b policy refused | grep -q advert'
ok "a knows b" until_true eval '[ "$(fact a b.example size)" -gt 0 ]'
amber=$(say essay named-word amber b.example)
ok "so does one for few" until_true eval 'is "$(node b policy held | wc -l)" 2'

browse() { # person, path, curl arguments...
    local who=$1 path=$2
    shift 2
    curl -s -b "$tmp/jar.$who" -c "$tmp/jar.$who" "$@" "$(url b)$path"
}
form_token() { browse "$1" "$2" | grep -oE 'name="csrf" value="[a-z2-7]{52}"' | head -1 | cut -d'"' -f4; }
post() { # person, path of the form, fields...: the status; the answer is in $tmp/answer
    local who=$1 path=$2 token fields=() field
    shift 2
    token=$(form_token "$who" "$path")
    for field in "$@"; do fields+=(--data-urlencode "$field"); done
    browse "$who" "$path" -o "$tmp/answer" -w '%{http_code}' --data-urlencode "csrf=$token" "${fields[@]}"
}
for who in reader publisher; do ok "a $who signs in" eval 'is "$(post '$who' /sign-in name='$who'.one "password=correct horse battery")" 303'; done
status() { browse "$1" "$2" -o "$tmp/answer" -w '%{http_code}'; }
shows() { browse "$1" "$2" | grep -qF -- "$3"; }

# ---- whom it is for ----
for path in /policy/held /policy/refused /policy/objections /policy/try "/policy/decide$essay"; do
    ok "a visitor is led to sign in: ${path%%.*}" eval 'is "$(status visitor '"$path"')" 303'
    ok "a reader may not: ${path%%.*}" eval 'is "$(status reader '"$path"')" 403'
    ok "a publisher may: ${path%%.*}" eval 'is "$(status publisher '"$path"')" 200'
done
ok "rules are not for visitors" eval '! shows visitor /policy "culture/essay" && shows visitor /policy "can object"'
ok "but for readers, in sentences" shows reader /policy "is held until a person decides: read first"
matched() { browse reader /policy | tr -d '\n' | grep -oE '<tr.*</tr>' | sed 's,</tr>,\n,g' | grep -F "$1" | grep -oE '[0-9]+</td></?t?r?>?$|[0-9]+</td>$' | grep -oE '^[0-9]+'; }
ok "with what each matched" eval 'is "$(matched "hold kind culture/essay")" 2 && is "$(matched "refuse accept kind")" 1'
ok "in Chinese" shows reader "/policy?lang=zh-Hans" "七天内命中"
ok "what waits is listed, with its rule" eval 'browse publisher "/policy/held?lang=en" >"$tmp/page"; grep -q "culture/essay" "$tmp/page" && grep -q "read first" "$tmp/page" && is "$(grep -o "href=\"/policy/decide/" "$tmp/page" | wc -l)" 2'
ok "what was refused as well" shows publisher /policy/refused "no advertising"
ok "who decides can read it" shows publisher "/policy/decide$essay" long-word
ok "also what is for few" shows publisher "/policy/decide$amber" named-word
ok "others cannot" eval '! shows reader "/record$essay" long-word && ! shows visitor "/record$essay" long-word && ! shows publisher "/record$essay" long-word'

# ---- deciding ----
no "a forged form decides nothing" eval 'is "$(browse publisher "/policy/decide$essay" -o /dev/null -w "%{http_code}" -d act=release)" 303'
ok "nor a reader" eval 'is "$(post reader "/policy/decide$essay" act=release)" 403'
ok "a refusal needs a reason" eval 'is "$(post publisher "/policy/decide$essay" act=refuse)" 400 && grep -q "needs a reason" "$tmp/answer"'
ok "what was typed is kept" eval 'is "$(post publisher "/policy/decide$essay" act=x "reason=a <b>")" 400 && grep -q "value=\"a &lt;b&gt;\"" "$tmp/answer"'
ok "nobody overrules what he has not seen" eval 'is "$(post publisher "/policy/decide$essay" act=refuse "reason=no" after=7)" 400 && grep -q "has decided about this record meanwhile" "$tmp/answer" && grep -q "name=\"after\" value=\"0\"" "$tmp/answer"'
ok "the essay is let in" eval 'is "$(post publisher "/policy/decide$essay" act=release "reason=read it" after=0)" 303'
ok "all can read it" until_true shows visitor "/record$essay" long-word
ok "why says who" eval 'node b why "${essay#/}" | grep -q "released by a person: publisher.one, .*: read it"'
ok "the trail, too" eval 'node b audit | grep -q "publisher.one.*decide.*released"'

# ---- a visitor objects ----
ok "the record's page leads to the form" shows visitor "/record$note" "/policy/object$note"
ok "what nobody can read cannot be objected to" eval 'is "$(status visitor "/policy/object$amber")" 404 && is "$(status visitor "/policy/object$advert")" 404'
ok "good faith is needed" eval 'is "$(post visitor "/policy/object$note" why=wrong)" 400 && grep -q "good faith" "$tmp/answer"'
ok "a visitor objects" eval 'is "$(post visitor "/policy/object$note" "why=it is
a lie" ground="Art. 5" who=Vera contact=mailto:v@v.example faith=1)" 200 && grep -q "is noted" "$tmp/answer"'
ok "those who decide are told" eval 'node b policy notices | grep -q "notice by visitor 1: it is a lie" && node b inbox | grep -q "visitor objects to a content of a.example"'
ok "on a page, too" eval 'browse publisher /policy/objections >"$tmp/page"; grep -q "it is a lie" "$tmp/page" && grep -q Vera "$tmp/page"'
ok "nobody else" eval '! shows visitor "/record$note" "it is a lie" && ! grep -rqaF "a lie" "$tmp/a"'
ok "markup stays text" eval 'is "$(post visitor "/policy/object$note" "why=<script>x</script>" faith=1)" 200 && ! shows publisher /policy/objections "<script>x" && shows publisher /policy/objections "&lt;script&gt;"'
many() { for i in 1 2 3 4 5 6 7 8 9 10 11 12; do post visitor "/policy/object$note" why=again faith=1; echo; done | sort | uniq -c | tr -s ' ' | tr '\n' ';'; }
ok "a flood is stopped" eval 'many | tee "$tmp/many" | grep -q "429"; grep -q 503 "$tmp/many"'
ok "and never more than five a record" eval 'is "$(node b policy notices --json | wc -l)" 5'
ok "the publisher refuses, in public" eval 'is "$(post publisher "/policy/decide$note" act=refuse "reason=it is a lie" publish=clear "ground=Art. 5" law=1)" 303'
ok "which answers all" eval 'is "$(node b policy notices)" "nobody objects"'
ok "and is gone" until_true eval '! shows visitor "/record$note" plain-word'
decision() { node a show --body "b.example/$(($(fact a b.example size) - 1))"; }
ok "a reads why" until_true eval 'decision | jq -e ".action == \"refused\" and .unnamed == 5 and .incompatible == \"law\" and .ground == \"Art. 5\""'
ok "rates are for everybody" eval 'browse visitor "/policy/rates?lang=en" | grep -q "66.6 %" && browse visitor "/policy/rates?lang=zh-Hans" | grep -q "拒收"'

# ---- trial ----
ok "a trial tells what would change" eval 'is "$(browse publisher /policy/try -o "$tmp/answer" -w "%{http_code}" -F "csrf=$(form_token publisher /policy/try)" -F "text=accept")" 200 && grep -q "decided otherwise: <[^>]*>1\|decided otherwise: 1" "$tmp/answer"'
ok "errors with their place" eval 'is "$(browse publisher /policy/try -o "$tmp/answer" -w "%{http_code}" -F "csrf=$(form_token publisher /policy/try)" -F "text=allow <all>")" 400 && grep -q "found .*allow" "$tmp/answer" && grep -q "&lt;all&gt;" "$tmp/answer"'
ok "and changes nothing" eval 'is "$(node b policy held | wc -l)" 1'
done_testing
