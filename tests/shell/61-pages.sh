#!/bin/bash
# However much a member says, and whatever it says, pages answer, stay small, and hold it as text.
. "$(dirname "$0")/lib.sh"

init a a.example
object() { # number, name, description
    printf '{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"%s","pattern":"[domain-name:value = '"'evil.example'"']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00.000Z","description":"%s"}' "$1" "$2" "$3"
}
say() { node a publish --kind security/stix --tlp clear --alone --type 'application/stix+json;version=2.1' "$1"; }
long=$(head -c 15000000 /dev/zero | tr '\0' d)
name='<script>alert(1)</script>'
for number in 1 2 3 4 5 6 7 8 9 10; do
    object $number "$name $number" "$long" >"$tmp/object"
    say "$tmp/object" >"$tmp/address" || break
done
ok "ten records of 15 MB are said" is "$(sed 's/.*\///' "$tmp/address")" 10
start a --alone
url=$(cat "$tmp/a.url")
member=$(node a members --json | grep -o 'a.example/[a-z2-7]*' | head -1)
ok "they are in the index" until_true eval 'curl -s "$url/intelligence?q=evil.example" | grep -q "evil.example</bdi>"'
page() { # address: a page, below 1 MB, without markup of theirs
    curl -s -H 'Accept: text/html' -o "$tmp/page" -w '%{http_code} %{content_type}\n' "$url$1" >"$tmp/answer"
    grep -qx '200 text/html; charset=utf-8' "$tmp/answer" && [ "$(stat -c %s "$tmp/page")" -lt 1000000 ] &&
        ! grep -q '<script>' "$tmp/page"
    local status=$?
    [ $status = 0 ] || cat "$tmp/answer"
    return $status
}
for address in / /members "/members/$member" "/record/$member/3" "/intelligence?q=evil" \
    "/intelligence/value?v=evil.example" "/intelligence/object/indicator--00000000-0000-4000-8000-000000000003"; do
    ok "${address%%"$member"*} answers" page "$address"
done
ok "all of it is in the exact bytes" eval 'test "$(curl -s "$url/record/$member/3/raw" | wc -c)" -gt 15000000'
done_testing
