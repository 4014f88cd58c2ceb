#!/bin/bash
# Whatever members write into charters, messages, reasons and profiles, pages and commands show it as harmless text, and name
# communities that look alike apart.
. "$(dirname "$0")/lib.sh"

# Markup, an end of what stands around it, a script's address; then what turns lines around, and what nobody sees.
markup=$'"\'><script>alert(1)</script></bdi></title><img src=x onerror=alert(2)>javascript:alert(3)'
turn=$'\u202e' isolate=$'\u2066' hidden=$'\u200b' bom=$'\ufeff' filler=$'\u3164' tag=$'\U000e0041'
mean="$markup${turn}evil${isolate}${hidden}${bom}${filler}${tag}end"

init a a.example
init b b.example --contact "$mean"
init c c.example
both() { start a --alone && start b --alone && start c --alone && peer b a && peer a b && peer c a && peer a c; }
ok "three nodes meet" both
has() { [ "$(fact "$1" "$2.example" size)" -ge "$3" ]; }
ok "and know each other" eval 'until_true has a b 1 && until_true has b a 1 && until_true has a c 1 && until_true has c a 1'

# ---- said ----
jq -n --arg t "$mean" '{name: ($t[0:128]), articles: [{title: $t, text: ($t + "\n" + $t), measure: $t}], endorsements: 0,
    sponsors: 0, notice_days: 0}' >"$tmp/charter"
ok "a charter full of it" eval 'node a community found --charter "$tmp/charter" "${mean:0:110}" >"$tmp/found"'
mean_one=$(awk 'NR == 1 {print $2}' "$tmp/found")
ok "a community of a usual name" eval 'node a community found --sponsors 0 --notice-days 0 Harbour >"$tmp/found"'
harbour=$(awk 'NR == 1 {print $2}' "$tmp/found")
ok "one that looks the same, with a zero-width space in it" eval 'node a community found --sponsors 0 --notice-days 0 "Har${hidden}bour" >"$tmp/found"'
ok "both are in force" eval 'is "$(node a community list --json | jq -r "select(.version == 1) | .community" | wc -l)" 3'
arrived() { node "$1" community list --json | grep -q "$harbour"; }
ok "others hear of them" eval 'until_true arrived b && until_true arrived c'
ok "b asks to join, with a message" node b community join "$harbour" --message "${mean:0:400}"
ok "a hears of it" until_true has a b 2
ok "and lets it in" node a community propose "$harbour"
ok "b is on the roster" eval 'node a community show "$harbour" --json | jq -e ".members | length == 2" >/dev/null'
ok "c asks, with a message that nobody answers" node c community join "$harbour" --message "${mean:0:400}"
ok "a hears of that" until_true has a c 2
ok "a proposes to exclude b, and says why" node a community propose "$harbour" --exclude b.example --because "${mean:0:300}"

# ---- shown ----
harmless() { # file: no markup of theirs, and none of the characters themselves
    ! grep -qiE '<script>alert|<img src=x|</bdi></title>' "$1" && ! grep -qF -e "$turn" -e "$isolate" -e "$hidden" -e "$bom" \
        -e "$filler" -e "$tag" "$1"
}
url=$(cat "$tmp/a.url")
page() { # address: a page, harmless
    curl -s -H 'Accept: text/html' -o "$tmp/page" -w '%{http_code}' "$url$1" >"$tmp/status"
    is "$(cat "$tmp/status")" 200 && harmless "$tmp/page"
}
full() { node a community list --json | jq -r .community | grep "^$1"; }
origin() { node a members --json | grep -o "$1.example/[a-z2-7]*" | head -1; }
mean_page=/community/$(full "$mean_one") harbour_page=/community/$(full "$harbour")
for address in / /community "$mean_page" "$harbour_page" /members "/members/$(origin a)" "/members/$(origin b)"; do
    ok "${address%%[0-9a-z]\{20\}*} is harmless" page "$address"
done
records() { # of a: each page, and the bytes as they are only where bytes are asked for
    local number size
    size=$(fact a a.example size)
    for ((number = 0; number < size; number++)); do page "/record/$(origin a)/$number" || { echo "record $number"; return 1; }; done
}
ok "every record's page" records
ok "the words are there, as text" eval 'curl -s "$url$harbour_page" | grep -q "&lt;script&gt;alert(1)"'
ok "and the unseen ones by their numbers" eval 'curl -s "$url$mean_page" | grep -q "u{202E}evil.u{2066}.u{200B}.u{FEFF}"'
apart() { # the two that look alike stand in the list with different words, and each with its hash
    curl -s "$url/community" >"$tmp/page"
    grep -q '<bdi>Harbour</bdi>' "$tmp/page" && grep -qF '<bdi>Har\u{200B}bour</bdi>' "$tmp/page" && grep -q "${harbour:0:12}" "$tmp/page"
}
ok "which looks like which is seen" apart
told() { # command...: on a terminal
    node a "$@" >"$tmp/told" 2>&1 && harmless_told
}
harmless_told() { # markup is nothing there
    ! grep -qF -e "$turn" -e "$isolate" -e "$hidden" -e "$bom" -e "$filler" -e "$tag" "$tmp/told"
}
for words in "community list" "community show $harbour" "community show $mean_one" "community charter $mean_one" "members" "log"; do
    # shellcheck disable=SC2086
    ok "$words is harmless" told $words
done
done_testing
