#!/bin/bash
# What is said to few reaches exactly those, over five nodes and by every outlet; others do not learn that it is there.
. "$(dirname "$0")/lib.sh"

# a says it; b and c are named, h is the host of g, who is named; x peers with everybody and is in no audience. c has no
# peer but b, so what it gets came by a member of the audience.
nodes=(a b c h x)
for n in "${nodes[@]}"; do init "$n" "$n.example"; done
node h member add --name g.example --class civil --recovery-out "$tmp/g.recovery" >/dev/null
# Whatever people are told leaves each node as well: by a hook, and to a system log.
mkdir "$tmp/told"
touch "$tmp/told/hooks" "$tmp/told/lines"
echo good >"$tmp/told/mode"
python3 "$(dirname "$0")/receiver.py" "$tmp/told" 2>"$tmp/told/errors" &
echo $! >"$tmp/receiver.pid"
until_true test -s "$tmp/told/ports"
for n in "${nodes[@]}"; do
    node "$n" tell add "http://127.0.0.1:$(sed -n 's/^hook //p' "$tmp/told/ports")/$n" --inside --role administrator --full >/dev/null
    node "$n" tell add "unix:$tmp/told/log.socket" --role administrator --full >/dev/null
done
for n in "${nodes[@]}"; do start "$n"; done
for to in b c h x; do peer a "$to" >/dev/null; done
peer b a >/dev/null
peer b c >/dev/null
peer c b >/dev/null
peer h a >/dev/null
for to in a b c h; do peer x "$to" >/dev/null; done
knows() { [ "$(fact "$1" "$2" size)" -gt 0 ] 2>/dev/null; }
for m in b c h g x; do ok "a knows $m" until_true knows a "$m.example"; done
for m in a c; do ok "b knows $m" until_true knows b "$m.example"; done

# a and h are of one community; b and c are in a group of a's.
ok "a founds a community with h" eval 'node a community found Circle --with h.example >"$tmp/circle"'
circle=$(awk 'NR == 1 {print $2}' "$tmp/circle")
ok "h endorses it" until_true node h community endorse "$circle"
in_force() { is "$(node "$1" community show Circle --json | jq -r .version)" 1; }
for n in a h; do ok "it is in force on $n" until_true in_force "$n"; done
ok "a publishes a group" node a community group desk b.example c.example
for n in b c; do ok "$n has read it" until_true eval 'node '"$n"' community groups | grep -q "#desk"'; done
ok "b may decide for a, which tells it nothing more" eval 'node a cession give moderate b.example --until 1d && node a cession give moderate x.example --until 1d'

# ---- the cells: one indicator each, and which nodes may hold it ----
declare -A holders=()
say() { # marking, audience's name, holders, options...
    local value="mx-${1//+/-}-$2.example"
    holders[$value]=$3
    echo "$value" >"$tmp/value"
    shift 3
    ok "said: $value" node a import --format list "$@" "$tmp/value"
}
say clear all "a b c h x" --tlp clear
say green community "a h" --tlp green
say amber nobody "a" --tlp amber --keep
say amber+strict nobody "a" --tlp amber+strict --keep
say red nobody "a" --tlp red --keep
for tlp in green amber amber+strict; do
    also=
    [ $tlp = green ] && also=" h" # of the author's community, whoever is named
    say $tlp b "a b$also" --tlp $tlp --to b.example
    say $tlp bc "a b c$also" --tlp $tlp --to b.example --to c.example
    say $tlp g "a h" --tlp $tlp --to g.example
    say $tlp x-not "a b$also" --tlp $tlp --to a.example --to b.example
    say $tlp group "a b c$also" --tlp $tlp --to a.example#desk
done
# For persons: their members' nodes have it from its author alone (c has no path to a), and show it to them only.
say red b-person "a b" --tlp red --to 'b.example chen'
say red g-person "a h" --tlp red --to 'g.example wei'
say red c-person "a b" --tlp red --to 'c.example chen' --to 'b.example chen' --to 'b.example later'
mapfile -t values < <(printf '%s\n' "${!holders[@]}" | sort)
printf '%s query\n' "${values[@]}" >"$tmp/log"

wanted() { # node: the values that it may hold
    local value
    for value in "${values[@]}"; do
        [[ " ${holders[$value]} " == *" $1 "* ]] && echo "$value"
    done
    return 0
}
public() { echo mx-clear-all.example; }
found() { grep -ahoE 'mx-[a-z+-]+\.example' | sort -u; }
titles() { node "$1" log a.example --limit 0 --json | found; }
has_wanted() { is "$(titles "$1")" "$(wanted "$1")"; }
for n in "${nodes[@]}"; do
    ok "$n has what it may have" until_true has_wanted "$n"
done
# Once more, to the end, for whatever may still come that should not.
for n in b c h x; do node "$n" sync >/dev/null 2>&1; done

# ---- the outlets: each of the program's table has a function here ----
text() { strings -n 6 | found; }
# One process asks for many: starting them is what a test of thousands of addresses spends its time on. Each has to be answered:
# for those that are not, something is said that nobody may have.
fetch() { # node, curl arguments...: the answers to all paths of standard input
    local node=$1 paths
    shift
    paths=$(cat)
    printf '%s\n' "$paths" | sed "s,.*,url = \"$(url "$node")&\"," | curl -s -w '%{stderr}%{http_code}\n' "$@" -K - 2>"$tmp/codes"
    [ "$(grep -c '^[1-9]..$' "$tmp/codes")" = "$(printf '%s\n' "$paths" | wc -l)" ] || echo mx-not-answered.example
}
declare -A sizes=()
for n in "${nodes[@]}"; do sizes[$n]=$(fact "$n" a.example size); done
of_records() { # node, paths: each for every record of a's log
    local i path
    for ((i = 0; i < ${sizes[$1]}; i++)); do
        for path in "${@:2}"; do echo "${path/RECORD/$origin/$i}"; done
    done
}
record_pages() { # node: every record's page of a's log, and what hangs on it
    of_records "$1" /record/RECORD /record/RECORD/raw /record/RECORD/entry /record/RECORD/labels /record/RECORD/receipts /policy/object/RECORD
}
outlet_http_logs() {
    local hex
    for hex in $(curl -s "$(url "$1")/heads" | grep -oE '^[0-9a-f]{64}'); do
        printf '%s\n' "/logs/$hex/payload/0" "/logs/$hex/tile/entries/000.p/1" "/logs/$hex/checkpoint"
    done | fetch "$1" | text
}
outlet_http_heads() { curl -s "$(url "$1")/heads" | text; }
outlet_http_events() { # the records that the public is told of, as what the author said in them
    timeout 3 curl -sN "$(url "$1")/events?since=0" >"$tmp/events" 2>/dev/null
    text <"$tmp/events" # nothing of what they say
    sed -n 's/^data: //p' "$tmp/events" | jq -r --arg a "$origin/" '.record // "" | select(startswith($a)) | ltrimstr($a)' |
        awk 'NR == FNR { title[$1] = $0; next } { print title[$1] }' "$tmp/titles" - | found
}
outlet_http_status() { curl -s "$(url "$1")/metrics" "$(url "$1")/node" "$(url "$1")/healthz" | text; }
outlet_http_pages() {
    { printf '%s\n' / /policy /policy/rates /members "/members/$origin" /home/intelligence /intelligence/vulnerabilities /api/vulnerabilities
        record_pages "$1"; } | fetch "$1" | text
}
outlet_http_search() { curl -s "$(url "$1")/intelligence?q=mx-" "$(url "$1")/intelligence/results?q=mx-" | text; }
outlet_http_sweep() { curl -s -F "file=@$tmp/log" "$(url "$1")/sweep" | text; }
outlet_http_decide() { # nobody is signed in: held contents and what can be decided are for those who decide
    { printf '%s\n' /policy/held /policy/refused /policy/objections /policy/lists /policy/try
        of_records "$1" /policy/decide/RECORD; } | fetch "$1" | text
}
outlet_cli_log() { titles "$1"; }
outlet_cli_sweep() { node "$1" sweep "$tmp/log" | found; }
outlet_export() { node "$1" export list | found; }
outlet_export_static() {
    rm -rf "$tmp/static"
    node "$1" export-static "$tmp/static" >/dev/null
    find "$tmp/static" -type f -exec cat {} + | text
}
outlet_pack() {
    rm -f "$tmp/pack.tar.zst"
    node "$1" pack "$tmp/pack.tar.zst" >/dev/null
    zstd -qdc "$tmp/pack.tar.zst" | text
}
outlet_luggage() { # the only member that can leave is h's guest: its own log, in which a said nothing
    [ "$1" = h ] || { public; return; }
    node h member export g.example "$tmp/luggage.tar.zst" >/dev/null 2>&1
    [ -s "$tmp/luggage.tar.zst" ] || return
    zstd -qdc "$tmp/luggage.tar.zst" | text | grep . || public
}
outlet_tell() { # what a hook and a system log have got, for the largest role and with sentences
    { jq -r "select(.path == \"/$1\").body" "$tmp/told/hooks"; cat "$tmp/told/lines"; } | text
}
outlet_preview() { # of a draft that says nothing of it, by the command and by an address that is for publishers
    { echo draft | node "$1" preview --kind culture/note --tlp clear --json -
        curl -s -F kind=culture/note -F tlp=clear -F body=draft "$(url "$1")/api/preview" "$(url "$1")/publish/preview"; } | text
}
origin=$(node a members --json | jq -r 'select(.origin|startswith("a.example/"))|.origin')
node a log a.example --limit 0 --json | jq -r '"\(.index) \(.title)"' >"$tmp/titles"
mapfile -t outlets < <(sed -nE 's/^ *\[OUTLET_[A-Z_]+\] = \{"([a-z-]+)".*/\1/p' "$root/src/index/view.c")
ok "the program's table of outlets is read" [ "${#outlets[@]}" -ge 11 ]
cell() { # outlet, node
    case $1 in
    cli-*) is "$("outlet_${1//-/_}" "$2")" "$(wanted "$2")" ;;
    http-heads | http-status | http-decide | preview | tell) is "$("outlet_${1//-/_}" "$2")" "" ;;
    *) is "$("outlet_${1//-/_}" "$2")" "$(public)" ;;
    esac
}
# Who signs in: chen of b, wei of h's guest g, and on both nodes an administrator, who is named nowhere.
declare -A tokens=()
account() { # node, name, member, which of the red ones
    printf 'correct horse battery\n' | node "$1" user add "$2" --role administrator --member "$3" --password-stdin >/dev/null
    tokens[$1 $2]=$(node "$1" token add "$2" t --scope read,admin | head -1)
    reds[$1 $2]=$4
}
declare -A reds=()
account b chen b.example "mx-red-b-person.example mx-red-c-person.example"
account b root b.example ""
account h wei g.example "mx-red-g-person.example"
account h chen g.example ""
account h li h.example ""
signed_in() { curl -s -H "Authorization: Bearer ${tokens[$1]}" "${@:2}"; }
# Persons of a guest see what is for their member on the pages of records, and find and sweep what everybody does.
user_wanted() { # person, way
    local of='.'
    case $1 in
    'h wei' | 'h chen') of='^mx-clear' && [ "$2" != pages ] || of='^mx-(clear|[a-z+-]+-g\.)' ;;
    esac
    { wanted "${1% *}" | grep -v mx-red | grep -E "$of"; printf '%s\n' ${reds[$1]}; } | grep . | sort
}
user_pages() {
    { of_records "${1% *}" /record/RECORD /record/RECORD/raw
        printf '%s\n' / "/members/$origin"; } | fetch "${1% *}" -H "Authorization: Bearer ${tokens[$1]}" | text
}
user_searches() { # a page a value, since each holds what was asked for
    local value
    rm -rf "$tmp/pages" && mkdir "$tmp/pages"
    for value in "${values[@]}"; do
        printf 'url = "%s/intelligence?q=%s"\noutput = "%s"\n' "$(url "${1% *}")" "${value//+/%2b}" "$tmp/pages/$value"
    done | signed_in "$1" -K -
    for value in "${values[@]}"; do [ -s "$tmp/pages/$value" ] || echo "mx-not-answered.example"; done
    grep -l 'class="value"' "$tmp"/pages/* | sed 's,.*/,,' | sort
}
user_sweeps() { signed_in "$1" -F "file=@$tmp/log" "$(url "${1% *}")/sweep" | grep -oE '<mark>mx-[a-z+-]+\.example' | cut -c7- | sort -u; }
for who in "${!reds[@]}"; do
    for way in pages searches sweeps; do
        ok "$way: ${who#* } on ${who% *} sees exactly what is for that person" eval 'is "$("user_$way" "$who")" "$(user_wanted "$who" "$way")"'
    done
done
ok "an administrator is told for whom something waits" eval 'signed_in "b root" "$(url b)/users" | grep -q "b.example/....…/later"'
no "not for whom an account is there" eval 'signed_in "b root" "$(url b)/users" | grep -q "…/chen"'
ok "the command line tells as well" eval 'node b user list | grep -q "^  b.example/....…/later$"'
account b later b.example "mx-red-c-person.example"
ok "who has got an account sees what waited" eval 'is "$(user_pages "b later")" "$(user_wanted "b later" pages)"'

for outlet in "${outlets[@]}"; do
    ok "this matrix knows the outlet $outlet" declare -F "outlet_${outlet//-/_}"
    for n in "${nodes[@]}"; do
        [ "$outlet" = luggage ] || ok "$outlet of $n holds exactly what it may" cell "$outlet" "$n"
    done
done
for n in "${nodes[@]}"; do
    ok "export --all of $n is its operator's, without what is for persons" eval 'is "$(node "$n" export --all list | found)" "$(wanted "$n" | grep -v mx-red)"'
    for value in "${values[@]}"; do
        [[ " ${holders[$value]} " == *" $n "* ]] || echo "$value"
    done >"$tmp/not"
    [ ! -s "$tmp/not" ] || no "no file of $n holds anything else" grep -rqaFf "$tmp/not" "$tmp/$n"
done

# ---- people who sign in: what the node holds, but for what is for persons; for nodes and monitoring they are the public ----
user_wanted() { wanted "$1" | grep -v '^mx-red-'; }
within() { # found, allowed: nothing else
    local more
    more=$(comm -23 <(printf '%s\n' "$1" | sort -u | grep .) <(printf '%s\n' "$2" | sort -u))
    [ -z "$more" ] || { echo "found $more"; return 1; }
}
as=() # what curl says besides: who asks
curl() { command curl --max-time 20 "${as[@]}" "$@"; }
for n in "${nodes[@]}"; do
    node "$n" user add every.one --role administrator --no-password >/dev/null
    node "$n" token add every.one matrix --scope read,publish,admin,metrics --expires 1h 2>/dev/null | head -1 >"$tmp/$n.token"
done
user_cell() { # outlet, node
    local as=(-H "Authorization: Bearer $(cat "$tmp/$2.token")") got
    got=$("outlet_${1//-/_}" "$2")
    case $1 in
    http-pages | http-search | http-sweep) is "$got" "$(user_wanted "$2")" ;;
    http-events | http-decide) within "$got" "$(user_wanted "$2")" ;;
    http-logs) is "$got" "$(public)" ;;
    *) is "$got" "" ;;
    esac
}
for outlet in "${outlets[@]}"; do
    [[ $outlet == http-* || $outlet == preview ]] || continue
    for n in "${nodes[@]}"; do ok "$outlet of $n for who is signed in" user_cell "$outlet" "$n"; done
done

# ---- every registered address, by whoever: nothing that he may not have ----
mapfile -t routes < <(grep -rhoE '\{HTTP_(GET|POST), "[^"]*"' "$root/src" --include='*.c' | sed -E 's/\{HTTP_([A-Z]+), "(.*)"/\1 \2/' | sort -u)
ok "the program's addresses are read" [ "${#routes[@]}" -ge 40 ]
restricted=$(node a log a.example --limit 0 --json | jq -r 'select(.title|test("mx-(red|amber-bc)")).index')
hex=$(printf %s "$origin" | sha256sum | cut -d' ' -f1)
for index in $restricted; do
    for id in "$hex" "$circle"; do
        printf '%s\n' "${routes[@]}" | sed -e "s,{name}/{hash},$origin," -e "s,{index},$index," -e "s,/logs/{hash},/logs/$hex," \
            -e "s,{hash},$id," -e "s,{rest},payload/0," -e 's,{[a-z]*},x,'
    done
done | sort -u >"$tmp/addresses"
ok "each route has an address at least" eval '[ "$(wc -l <"$tmp/addresses")" -gt "${#routes[@]}" ] && ! grep -q "[{}]" "$tmp/addresses"'
asked() { # node: what all addresses together tell
    {
        curl -sN -m 1 "$(url "$1")/events?since=0"
        sed -n 's/^GET //p' "$tmp/addresses" | grep -vx /events | sed 'p; s/$/?q=mx-\&v=mx-amber-bc.example/' | fetch "$1"
        # With no form's token nothing is done; what a refusal says is looked at.
        sed -n 's/^POST //p' "$tmp/addresses" | fetch "$1" -d q=mx- -d v=mx-amber-bc.example
    } | text
}
# The answer to a question holds its words: this one is asked for.
for n in "${nodes[@]}"; do
    ok "all addresses of $n, for the public" within "$(asked "$n" | grep -vx mx-amber-bc.example)" "$(public)"
    as=(-H "Authorization: Bearer $(cat "$tmp/$n.token")")
    ok "and for who is signed in" within "$(asked "$n" | grep -vx mx-amber-bc.example)" "$(user_wanted "$n")"
    as=()
done

# ---- every command: what it tells the operator is what the node holds ----
tells() { # node: what all commands that tell something say
    local i
    {
        while read -r command; do
            # shellcheck disable=SC2086
            node "$1" $command </dev/null
        done <<<"$telling"
        for ((i = 0; i < ${sizes[$1]}; i++)); do
            node "$1" show "a.example/$i"
            node "$1" why "a.example/$i"
        done
        node "$1" sweep "$tmp/log"
        for format in list hosts rpz csv stix; do node "$1" export --all $format; done
        node "$1" policy check /dev/null
        node "$1" policy try /dev/null
        echo draft | node "$1" preview --kind culture/note --tlp amber --to a.example --all -
        node "$1" backup "$tmp/backup.$1"
        zstd -qdc "$tmp/backup.$1"
    } 2>&1 | text
}
telling='status
inbox
peer list
members
log --limit 0
verify
parcel
feed list
member list
community list
community groups
policy show
policy held
policy refused
policy notices
policy rates
user list
token list every.one
audit
list drafts
list adopted
cession list --all
receipts
tell list
vulnerability list
version'
other='init serve follow sync show publish preview erase import sweep export rotate pack unpack backup restore export-static rebuild why
peer_add peer_remove feed_add feed_remove member_add member_export member_move
community_found community_show community_charter community_join community_sponsor community_leave community_propose community_endorse
community_refound community_group community_grant community_verify
policy_check policy_release policy_refuse policy_apply policy_try policy_notice policy_counter policy_decisions policy_reopen
user_add user_remove user_role user_password user_totp user_lock user_unlock user_bind user_unbind token_add token_remove
list_show list_adopt list_decline list_print list_import list_publish list_retract cession_give cession_revoke keys_encrypt keys_decrypt keys_passphrase
tell_add tell_remove tell_test tell_mail receipts_on receipts_off receipts_send vulnerability_show vulnerability_extend vulnerability_open vulnerability_limit'
all_known() {
    local known
    known=$(printf '%s\n' "$telling" | sed -E 's/ --limit 0| --all| every.one//; s/ /_/'; printf '%s\n' $other)
    comm -23 <("$bin" --words | tr ' ' _ | sort) <(printf '%s\n' "$known" | sort) >"$tmp/new"
    [ ! -s "$tmp/new" ] || { echo "commands that this matrix does not know: $(xargs <"$tmp/new")"; return 1; }
}
ok "this matrix knows every command" all_known
for n in "${nodes[@]}"; do ok "all commands of $n together" within "$(tells "$n")" "$(wanted "$n")"; done

# ---- what it tells ----
ok "log says for whom" eval 'node b log a.example --limit 0 | grep "for b.example/.* and 1 more: .*mx-amber-bc"'
index_of() { node a log a.example --limit 0 --json | jq -r "select(.title|contains(\"$1\"))|.index" | head -1; }
ok "show as well, as JSON" eval 'node b show --json "a.example/$(index_of mx-amber-b.example)" | jq -e ".tlp == \"amber\" and (.to|length) == 1 and (.for|startswith(\"whom it names\"))"'
ok "for persons it says so" eval 'node b show --json "a.example/$(index_of mx-red-b-person.example)" | jq -e ".for == \"the persons it names\" and (.to[0]|endswith(\"/chen\"))"'
# What b holds and what it never got are one to the public: status, headers and length of every answer about them.
answers() { # indices of two digits: how the node's answers about each look, but for the index itself
    local index what
    for index in $1; do
        for what in "" /raw /entry; do
            curl -s -D - -o "$tmp/answer" -w '%{http_code} ' "$(url b)/record/$origin/$index$what" | tr -d '\r' |
                grep -viE '^(date|etag):' | sed "s,/$index,/N,g" | tr '\n' ' '
            stat -c %s "$tmp/answer"
        done
        curl -s "$(url b)/logs/$hex/payload/0?from=$index&to=$((index + 1))" | sha256sum
    done | sort -u
}
two_digits() { node a log a.example --limit 0 --json | jq -r "select(.title|test(\"mx-(amber|amber.strict)-$1\\\\.\")) | .index | select(. > 9 and . < 100)" | xargs; }
held=$(two_digits '(b|bc)') lacking=$(two_digits g)
ok "there is something held" [ -n "$held" ]
ok "and something that is not here" [ -n "$lacking" ]
ok "what is held for others and what is not here look alike" is "$(answers "$held")" "$(answers "$lacking")"
no "who may not see it is told nothing" node x show "a.example/$(index_of mx-amber-b.example)"
forged() { curl -s -o "$tmp/answer" -w '%{http_code}' -H 'Signature-Input: x=("@method");tag="tongzhou"' -H 'Signature: x=:AA==:' "$(url a)/heads"; }
ok "what is signed wrongly is refused" eval 'is "$(forged)" 401'
ok "the answer says nothing of what is here" not grep -qE "$origin|[0-9a-f]{64}" "$tmp/answer"
ok "it is counted" eval 'curl -s "$(url a)/metrics" | grep -q "^tongzhou_signed_refused_total{reason=\"malformed\"} 1$"'
ok "and told" until_true grep -q 'signed request refused: malformed' "$tmp/a.log"

# ---- contradictions, before anything is signed ----
# shellcheck disable=SC2034 # stands in words that `ok` evaluates
size=$(fact a a.example size)
echo note >"$tmp/note"
refused() { # status, reason, options...
    local status=$1 reason=$2 out
    shift 2
    out=$(node a publish --kind culture/note "$@" "$tmp/note" 2>&1)
    is $? "$status" && { printf '%s' "$out" | grep -q -- "$reason" || { echo "$out"; return 1; }; }
}
ok "clear for few" refused 2 "contradicts TLP:CLEAR" --tlp clear --to b.example
ok "clear and kept" refused 2 "contradicts TLP:CLEAR" --tlp clear --keep
ok "amber for nobody" refused 2 "without --to is for nobody" --tlp amber
ok "amber+strict for nobody" refused 2 "without --to is for nobody" --tlp amber+strict
ok "red for nobody" refused 2 "without --to is for nobody" --tlp red
ok "red for a member" refused 2 "named persons" --tlp red --to b.example
ok "red for a member beside a person" refused 2 "named persons" --tlp red --to b.example --to 'b.example chen'
ok "amber for a person" refused 2 "TLP:RED alone" --tlp amber --to 'b.example chen'
ok "red for a name that no account has" refused 1 "MEMBER PERSON" --tlp red --to 'b.example Chen Wei'
ok "kept and shared" refused 2 "exclude each other" --tlp amber --keep --to b.example
ok "for oneself" refused 1 "the author alone" --tlp amber --to a.example
ok "for a stranger" refused 1 "no member" --tlp amber --to nobody.example
ok "for a group that nobody knows" refused 1 "no such group" --tlp amber --to b.example#energy
ok "kept, and for a community" refused 1 "every member of the author's communities" --tlp green --keep
ok "twice" refused 1 "named twice" --tlp amber --to b.example --to b.example
ok "an import likewise" eval '! node a import --tlp amber --format list "$tmp/value" 2>&1 | grep -q added'
ok "nothing of that was said" eval 'is "$(fact a a.example size)" "$size"'

# ---- later ----
ok "the same for one more is said once more" eval 'node a import --tlp amber --to c.example --format list --json <(echo mx-amber-b.example) | jq -e ".added == 1"'
ok "to those who have it, it is known" eval 'node a import --tlp amber --to c.example --format list --json <(echo mx-amber-b.example) | jq -e ".added == 0"'
ok "whom the new audience names, though not b through whom it would come, does not get it" eval 'node b sync >/dev/null; node c sync >/dev/null; ! titles c | grep -q mx-amber-b.example'
peer c a >/dev/null
ok "by a path that may carry it, it does" until_true eval 'titles c | grep -q mx-amber-b.example'
at=$(index_of mx-amber-bc.example)
ok "taken back" node a erase "a.example/$at"
gone() { for n in b c; do titles "$n" | grep -q mx-amber-bc.example && return 1; done; return 0; }
ok "it is gone where it was" until_true gone
ok "from every file" until_true nowhere mx-amber-bc.example "$tmp/a" "$tmp/b" "$tmp/c"
told_of_it() { for n in b c; do jq -r "select(.path == \"/$n\").body" "$tmp/told/hooks" | jq -e ".notices[]|select(.what == \"content-erased\" and .record == \"$origin/$at\")" || return 1; done; }
ok "those who had it are told outside that it is gone" until_true told_of_it
for n in "${nodes[@]}"; do ok "not what it was: tell of $n" cell tell "$n"; done
ok "and nobody is told for whom it was" eval '! node x show "a.example/$at" >/dev/null 2>&1'
for n in "${nodes[@]}"; do stop "$n"; done
ok "luggage of h holds nothing of a's" cell luggage h
done_testing
