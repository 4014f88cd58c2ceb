#!/bin/bash
# A node's own rules decide what enters: held, released, refused, by rule and by person, each explained, and nobody behind the
# node gets what it does not let in.
# shellcheck disable=SC2034 # variables stand in the words that `ok` evaluates
. "$(dirname "$0")/lib.sh"

for name in a b c; do init $name $name.example; done
say() { # text, kind, [options...]: at a; prints MEMBER/INDEX
    local text=$1 kind=$2
    shift 2
    echo "$text" | node a publish --kind "$kind" --tlp clear "$@" - | sed 's,/[a-z2-7]*/,/,'
}
policy() { # node, text: its file
    printf '%s\n' "$2" >"$tmp/$1/policy.conf"
}
policy b '# works are read first
hold kind culture/essay reason "read first"
refuse accept kind culture/advert reason "no advertising"
limit 6/day kind culture/rumour'
ok "the three serve, b pulls from a, c from b" eval 'start a --alone && start b --alone && start c --alone && peer b a && peer c b'
note=$(say "a plain-note" culture/note)
essay=$(say "a long-essay" culture/essay)
second=$(say "another second-essay" culture/essay)
advert=$(say "buy this-advert" culture/advert)
for i in 1 2 3 4 5; do rumour=$(say "rumour-$i" culture/rumour); done
got() { # node, record
    node "$1" show --body "$2"
}
ok "c gets what b lets in" until_true got c "$note"
ok "b holds the essays, and what is beyond the limit" until_true eval 'is "$(node b policy held | wc -l)" 4'
ok "it says by which line" eval 'node b policy held | grep -q "/${essay#*/}  culture/essay  line 2 of [0-9a-f]\{12\}: read first"'
ok "the advert is refused" eval 'node b policy refused | grep -q "/${advert#*/}  culture/advert  line 3 of .*: no advertising"'
ok "status counts both" eval 'is "$(node b status --json | jq -r "\"\(.held) \(.refused)\"")" "4 1"'
ok "json, too" eval 'is "$(node b policy held --json | jq -r "select(.index == ${essay#*/}).reason")" "read first"'
printf 'accept kind culture/essay\nlimit 1/day\n' >"$tmp/try.conf"
ok "a trial tells what would be let out of waiting" eval 'node b policy try "$tmp/try.conf" | grep -q "^accept   2 held -> accepted: of a.example/[^ ]* 2"'
ok "and what would not, for a limit" eval '! node b policy try <(echo "limit 1/day") | grep "held -> accepted"'
ok "nothing of the advert is on b" nowhere this-advert "$tmp/b" "$tmp/c"
ok "the essay is on b, and not on c" eval 'grep -rqaF long-essay "$tmp/b" && nowhere long-essay "$tmp/c"'
ok "b's page shows no word of it" eval '! curl -s "$(url b)/record/$(node b members --json | jq -r "select(.origin|startswith(\"a.example/\")).origin")/${essay#*/}" | grep -q long-essay'
ok "nor its list" eval '! node b log a.example | grep -q long-essay'
ok "whoever decides can read it" eval 'node b show --body "$essay" | grep -q long-essay'
ok "why names rule, line and version" eval 'node b why "$essay" | grep -qE "^accept +held 20.*, line 2 of [0-9a-f]{12}: hold kind culture/essay reason"'

ok "a person releases one" node b policy release "$essay" --reason "read it"
ok "it reaches c" until_true got c "$essay"
ok "why says who" eval 'node b why "$essay" | grep -q "released by a person: $(id -un), .*: read it"'
ok "a person refuses the other" node b policy refuse "$second" --reason "not ours"
ok "its bytes are gone" nowhere second-essay "$tmp/b" "$tmp/c"
ok "why says so" eval 'node b why "$second" | grep -q "refused by a person: .*: not ours"'
ok "the plain note is refused afterwards" node b policy refuse "$note" --reason "changed our mind"
ok "it is gone, too" eval '! got b "$note" && nowhere plain-note "$tmp/b/payloads" "$tmp/b/index.db"'
ok "every proof holds" node b verify
third=$(say "third shouted-word" culture/note)
ok "b has a third note" until_true got b "$third"
ok "a decision can be published" eval 'node b policy refuse "$third" --reason "insults" --publish clear --ground "StGB 185" --redress mailto:ombud@b.example | grep -q "^b.example/.* says so"'
decision() { node c show --body "b.example/$(($(fact c b.example size) - 1))"; }
ok "others read it" until_true eval 'decision | jq -e ".action == \"refused\""'
fields() { decision | jq -r '[.subject, .action, .scope, .facts, .rule, .ground, .automated.found, .automated.decided, .decider, .redress, .expiry] | map(tostring) | join("|")' | sed 's,/[a-z2-7]\{52\},,g'; }
ok "with all that it has to say" eval 'is "$(fields)" "a.example/${third#*/}|refused|b.example|insults|null|StGB 185|false|false|b.example|mailto:ombud@b.example|null"'
ok "it names no person" eval '! decision | grep -q "$(id -un)"'
ok "why says where" eval 'node b why "$third" | grep -q "published as b.example/"'
no "own words are not refused" node b policy refuse b.example/0 --reason x
no "nor without a reason" node b policy refuse "$essay"

version=$(node b policy show | sed -n '1s/# version \([0-9a-f]*\),.*/\1/p')
policy b 'hold kind culture/*
refuse accept'
kill -HUP "$(cat "$tmp/b.pid")"
ok "a file with an error is told of" until_true eval 'node b status | grep -q "policy.conf: 2:1: .*reason.* is missing; the policy in force stays"'
ok "in the log, too" until_true grep -q 'policy.conf: 2:1: .* stays' "$tmp/b.log"
ok "the old one stays" eval 'node b policy show | grep -q "version $version"'
policy b 'hold kind culture/rumour
accept'
ok "a good one comes into force by itself" until_true grep -q 'policy: version .* is in force, 2 rules; 0 released, 0 refused, 1 asked for again' "$tmp/b.log"
ok "what was refused by a rule comes" until_true got b "$advert"
ok "and reaches c" until_true got c "$advert"
ok "what a person refused does not" eval '! got b "$second"'
ok "the trouble is over" eval '! node b status | grep -q stays'
ok "what waits names its line of today" eval 'node b policy held | grep -q "/${rumour#*/}  culture/rumour  line 1 of "'
policy b 'hold from a.example'
ok "what was accepted stays" eval 'node b policy show | grep -q "^hold from" && node b show --body "$essay" >/dev/null && got b "$advert"'
ok "apply would hold it" eval 'node b policy apply --dry-run | grep -qE "would be held, 0 refused" && got b "$advert" && node b log a.example | grep -q this-advert'
ok "apply holds it, but not what a person released" eval 'node b policy apply && ! node b log a.example | grep -q this-advert && node b log a.example | grep -q long-essay'
policy b 'refuse accept from a.example reason "we do not talk any more"'
ok "a member can be refused as a whole" eval 'node b policy refused | grep -q "^a.example/.*: none of its contents is fetched: line 1: we do not"'
last=$(say "last-words" culture/note)
b_has_seal() { node b show --entry "$last"; }
ok "its log goes on" until_true b_has_seal
ok "why says that nothing was fetched" eval 'node b why "$last" | grep -q "never fetched, line 1 of .*: refuse accept from a.example"'
ok "so none of it can be released" eval '! node b policy release "$last" 2>"$tmp/err" && grep -q "by line 1 of the policy" "$tmp/err"'
ok "and what was held then was refused" eval 'is "$(node b policy held | wc -l)" 1 && node b policy held | grep -q "nothing waits" && nowhere this-advert "$tmp/b"'
rm "$tmp/b/policy.conf"
ok "without a file the built-in rules hold again" until_true got b "$last"
ok "and show says so" eval 'node b policy show | grep -qx "enforce"'

# What takes effect.
indicator() { # value, number, confidence
    printf '{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-11-20T00:00:00.000Z","modified":"2026-11-20T00:00:00.000Z","valid_from":"2026-11-20T00:00:00Z","pattern_type":"stix","pattern":"[domain-name:value = '"'%s'"']"%s}' "$2" "$1" "${3:+,\"confidence\":$3}"
}
printf '{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[%s,%s,%s]}' \
    "$(indicator sure.example 1 90)" "$(indicator unsure.example 2 20)" "$(indicator silent.example 3)" >"$tmp/bundle.json"
ok "a imports three indicators" eval 'node a import --tlp clear "$tmp/bundle.json" | grep -q "3 added"'
exported() { is "$(node b export "$1" | grep -o "[a-z]*\.example" | sort -u | xargs)" "$2"; }
ok "all take effect on b" until_true exported list "silent.example sure.example unsure.example"
policy b 'refuse enforce score < 50 reason "too uncertain"'
for format in list hosts rpz csv stix; do
    ok "the uncertain one is in no $format" exported $format "$([ $format = csv ] && echo "a.example ")silent.example sure.example"
done
printf 'query sure.example\nquery unsure.example\nquery silent.example\n' >"$tmp/dns.log"
ok "nor in sweeps" eval 'is "$(node b sweep "$tmp/dns.log" | wc -l)" 2 && ! node b sweep "$tmp/dns.log" | grep -q unsure'
ok "it is here and shown all the same" eval 'curl -s "$(url b)/intelligence/results?q=unsure.example" | grep -q unsure.example'
policy b 'enforce score >= 80
refuse enforce from a.example reason "only what is sure"'
ok "another policy, another effect" exported list "sure.example"
ok "in sweeps, too" eval 'is "$(node b sweep "$tmp/dns.log" | wc -l)" 1'
ok "why tells it" eval 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do node b why a.example/$i 2>/dev/null; done | grep -q "^enforce  takes no effect: line 2 of .*only what is sure"'

# Whole logs.
init d d.example
policy d 'mirror none from a.example reason "not ours to carry"
mirror heads from b.example'
ok "d knows b" eval 'start d --alone && peer d b'
ok "d has b's log" until_true eval 'is "$(fact d b.example size)" "$(fact b b.example size)"'
ok "without its contents" eval 'echo said-by-b | node b publish --kind culture/note --tlp clear - >/dev/null && until_true eval "is \"\$(fact d b.example size)\" \"\$(fact b b.example size)\"" && is "$(fact d b.example payloads)" 0'
ok "a's log is listed, not pulled" eval 'is "$(fact d a.example role)" listed'
ok "policy refused says why" eval 'node d policy refused | grep -q "^a.example/.*: its log is not pulled: line 1: not ours to carry"'
ok "a person's follow goes above it" eval 'node d follow a.example && until_true same_size b d a.example'
policy d 'mirror full'
ok "another policy: the contents come" until_true same_size b d b.example
policy d 'mirror heads'
ok "and go, but not of what a person follows" eval 'until_true eval "is \"\$(fact d b.example payloads)\" 0" && same_size b d a.example'

# What leaves. d has a's log by b alone.
shared=$(say "word shared-word" culture/note --lang en)
kept=$(say "word kept-word" culture/note --lang zh)
ok "b has both" until_true eval 'got b "$shared" && got b "$kept"'
ok "d follows with all contents" eval 'node d follow b.example >/dev/null; until_true got d "$kept"'
policy b 'refuse share kind culture/note language zh reason "for us alone"
refuse share kind security/* reason "nor these"'
ok "the policy is in force on b" until_true eval 'node b policy show | grep -q "nor these"'
first=$(say "first-kept-word" culture/note --lang zh-Hans)
later=$(say "later shared-later" culture/note --lang en)
ok "b has two more" until_true eval 'got b "$first" && got b "$later"'
ok "d gets what is shared" until_true got d "$later"
ok "not the rest" eval '! got d "$first" && nowhere first-kept-word "$tmp/d"'
page() { curl -s "$(url b)/record/$(node b members --json | jq -r 'select(.origin|startswith("a.example/")).origin')/${1#*/}"; }
ok "b's pages show the one" eval 'page "$shared" | grep -q shared-word'
ok "and not the other" eval '! page "$kept" | grep -q kept-word && ! page "$first" | grep -q kept-word'
ok "nor do lists and search" eval '! curl -s "$(url b)/members/$(node b members --json | jq -r "select(.origin|startswith(\"a.example/\")).origin")" | grep -q kept-word && ! curl -s "$(url b)/intelligence/results?q=sure.example" | grep -q "a.example"'
ok "nor what is exported for others" eval 'node b export-static "$tmp/static" >/dev/null && nowhere kept-word "$tmp/static" && node b pack "$tmp/b.pack" >/dev/null 2>&1; zstd -dcq "$tmp/b.pack" | grep -qa shared-word && ! zstd -dcq "$tmp/b.pack" | grep -qa kept-word'
ok "the operator sees all" eval 'got b "$kept" | grep -q kept-word && ! node b export list | grep -q sure.example && node b export list --all | grep -q sure.example'
ok "why names the rule" eval 'node b why "$kept" | grep -q "^share    not with the public: line 1 of .*for us alone"'
policy b 'refuse share from a.example reason "nothing of it"'
ok "a whole log can be kept, entries and proofs stay open" eval 'until_true eval "! page \"$shared\" | grep -q shared-word" && node d verify "$(url b)"'
printf '%s\n' 'hold language zh' 'enforce score > 50' 'refuse enforce reason "x"' 'mirror heads from d.example' >"$tmp/try.conf"
trial() { node b policy try "$tmp/try.conf"; }
ok "a trial tells what would be held, and in which language" eval 'trial | grep -q "^accept   2 accepted -> held: of a.example/.* 2; languages zh 1, zh-Hans 1$"'
ok "what would take no effect" eval 'trial --since 2026-11-01 | grep -q "^enforce  2 takes effect -> takes no effect: of a.example/.* 2$"'
ok "what would leave again" eval 'trial | grep -q "^share    .* not shared -> shared with the public: of a.example"'
ok "and changes nothing" eval 'node b policy show | grep -q "nothing of it" && is "$(node b policy held)" "nothing waits"'
ok "a trial of a bad file tells where" eval '! node b policy try <(echo allow) 2>"$tmp/err" && grep -q ":1:1: found .allow" "$tmp/err"'
policy b 'share'
ok "another policy: d gets what it lacked" until_true got d "$first"
rm "$tmp/b/policy.conf"
ok "without a policy all take effect again" exported list "silent.example sure.example unsure.example"
ok "all of it is as sealed" node b verify
done_testing
