#!/bin/bash
# Every text of the pages has its Chinese translation, and the template is what the sources say.
cd "$(dirname "$0")/../.." || exit 1
echo 1..3
fresh=$(mktemp "${TMPDIR:-/tmp}/tongzhou-pot.XXXXXX")
trap 'rm -f "$fresh"' EXIT

mapfile -t sources < <(find src -path "src/http/*.c" -o -path "src/*/page*.c" -o -path "src/*/routes*.c" \
    -o -path src/state/notice_words.c -o -path src/tell/letter.c -o -path src/connect/preview_words.c -o -path src/connect/publish_form.c \
    -o -path src/moderation/trial_tally.c | LC_ALL=C sort)
po/extract "${sources[@]}" >"$fresh"
if diff -u po/tongzhou.pot "$fresh" | sed 's/^/# /' && cmp -s po/tongzhou.pot "$fresh"; then
    echo "ok 1 - po/tongzhou.pot is up to date"
else
    echo "not ok 1 - po/tongzhou.pot is not up to date: run make po"
fi

if msgcmp po/zh-Hans.po po/tongzhou.pot 2>&1 | sed 's/^/# /' && msgcmp po/zh-Hans.po po/tongzhou.pot 2>/dev/null; then
    echo "ok 2 - po/zh-Hans.po translates every text"
else
    echo "not ok 2 - po/zh-Hans.po lacks texts"
fi

# What stands for something in the English text ({1}, {2}, ...) stands for it in the translation too.
if ! msgfmt --check -o /dev/null po/zh-Hans.po 2>&1 | sed 's/^/# /' | grep . &&
    msgcat --no-wrap --output=- po/zh-Hans.po | awk '
        function marks(text,   n, found) {
            found = ""
            for (n = 1; n <= 9; n++) if (index(text, "{" n "}")) found = found n
            return found
        }
        /^msgid / { text = $0 }
        /^msgid_plural / { text = text $0 }
        /^msgstr/ { if (text ~ /\{/ && marks(text) != marks($0)) { print "# " text; bad = 1 } }
        END { exit bad }'; then
    echo "ok 3 - po/zh-Hans.po is well formed"
else
    echo "not ok 3 - po/zh-Hans.po is out of form"
fi
