#!/bin/bash
# What is imported reads back byte for byte on every node, duplicates are known, and what is wrong is named while the rest goes in.
. "$(dirname "$0")/lib.sh"
data=${TONGZHOU_DATA:-$root/../shared/data}
attack=$root/samples/attack/ics-attack-stuxnet.json
[ -r "$data/attack/ics-attack.json" ] && attack=$data/attack/ics-attack.json

init a a.example
init b b.example
ok "ATT&CK goes in" eval 'node a import --tlp clear --json "$attack" >"$tmp/result"'
objects=$(jq '.objects | length' "$attack")
ok "all $objects objects" is "$(jq .added "$tmp/result")" "$objects"
ok "again: all known" eval 'node a import --tlp clear --json "$attack" | jq -e ".added == 0 and .duplicates == $objects"'
start a --alone
start b --alone
ok "b mirrors" eval 'peer b a && until_true same_size a b a.example'
# Every object's bytes, cut out of the bundle by Perl's own JSON-free bracket matching, against what b shows.
cat >"$tmp/split.pl" <<'P'
undef $/; $_ = <STDIN>; s/^.*?"objects"\s*:\s*\[//s;
my ($depth, $start, $in, $n) = (0, 0, 0, 0);
while (/([{}"\\])/g) {
    my $c = $1;
    if ($in) { if ($c eq "\\") { pos($_)++ } elsif ($c eq '"') { $in = 0 } next }
    if ($c eq '"') { $in = 1 }
    elsif ($c eq '{') { $start = pos($_) - 1 if $depth++ == 0 }
    elsif ($c eq '}' && --$depth == 0) {
        open(my $out, '>', "$ARGV[0]/" . ++$n) or die; print $out substr($_, $start, pos($_) - $start); close $out;
    }
    last if $depth < 0;
}
P
mkdir "$tmp/objects"
perl "$tmp/split.pl" "$tmp/objects" <"$attack"
bytes_equal() { # markings that come late in the bundle may change the order, never the bytes
    local i last
    is "$(find "$tmp/objects" -type f | wc -l)" "$objects" || return 1
    last=$(fact b a.example size)
    for ((i = 1; i < last; i++)); do node b show --body "a.example/$i" | sha256sum; done | sort >"$tmp/there"
    sha256sum "$tmp"/objects/* | sed 's/ .*/  -/' | sort >"$tmp/here"
    cmp "$tmp/here" "$tmp/there"
}
ok "bytes on b are the bytes that went in" bytes_equal
# A peer that does not answer: nothing may be signed for others, the local log needs nobody.
init c c.example
ok "c has a peer" peer c a
ok "first local import" eval 'echo one.example | node c import --local -'
ok "second local import" eval 'echo two.example | node c import --local --json - | jq -e ".added == 1"'
printf 'no indicator\n' >"$tmp/wrong.txt"
ok "a file with nothing but errors is a failure" eval 'node c import --local "$tmp/wrong.txt" >/dev/null 2>&1; [ $? = 1 ]'
ok "so is a page, which is named" eval '! echo "<html>" | node c import --local - 2>"$tmp/errors" >"$tmp/result" && grep -q "(standard input): looks like" "$tmp/errors" && [ ! -s "$tmp/result" ]'
cat >"$tmp/mixed.txt" <<'L'
# a list with everything
evil-domain.example    ; trailing comment
hxxp://evil-url[.]example/path?q=1
198.51.100.7
198.51.100.0/24
2001:db8::bad
d41d8cd98f00b204e9800998ecf8427e
da39a3ee5e6b4b0d3255bfef95601890afd80709
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
bad[at]mail.example
not an indicator at all
999.1.1.1
L
ok "a mixed list goes in" eval 'node a import --tlp clear --format list --json "$tmp/mixed.txt" >"$tmp/result" 2>"$tmp/errors"'
ok "nine indicators" is "$(jq .added "$tmp/result")" 9
ok "two lines are wrong, named with file and line" eval 'grep -q "mixed.txt.*:11" "$tmp/errors" && grep -q "mixed.txt.*:12" "$tmp/errors"'
cat >"$tmp/log" <<'L'
query www.evil-domain.example from 192.0.2.1
GET http://evil-url.example/path?q=1 HTTP/1.1
conn 198.51.100.200:443
conn6 [2001:db8::bad]:443
hash D41D8CD98F00B204E9800998ECF8427E seen
from=<bad@mail.example>
nothing notevil-domain.example evil-domain.example.org
L
node a sweep "$tmp/log" >"$tmp/hits"
ok "the sweep finds them" is "$(cut -d: -f2 "$tmp/hits" | sort -nu | tr '\n' ' ')" "1 2 3 4 5 6 "
ok "exit status 1 without hits" eval 'echo nothing | node a sweep -; [ $? = 1 ]'
ok "exit status 2 on error" eval 'node a sweep /nonexistent 2>/dev/null; [ $? = 2 ]'
{ echo first; head -c 2000000 /dev/zero | tr '\0' ' '; echo 'www.evil-domain.example'; } >"$tmp/long"
ok "a place in a line of any length" is "$(node a sweep --json "$tmp/long" | jq -c '[.line, .column, .offset]')" '[2,2000001,6]'
ok "compressed logs" eval 'gzip -c "$tmp/log" >"$tmp/log.gz" && zstd -q "$tmp/log" -o "$tmp/log.zst" && xz -k "$tmp/log" &&
    for f in gz zst xz; do [ "$(node a sweep "$tmp/log.$f" | wc -l)" = "$(wc -l <"$tmp/hits")" ] || exit 1; done'
ok "a packed file of which only the first bytes are here is an error, not one without hits" eval '
    for f in gz zst xz; do
        head -c 5 "$tmp/log.$f" >"$tmp/short.$f"; head -c 8 "$tmp/log.$f" >"$tmp/short.$f.2"
        for g in "$tmp/short.$f" "$tmp/short.$f.2"; do
            [ $f = xz ] && [ "$g" = "$tmp/short.xz" ] && continue # an xz file is known by six bytes
            node a sweep "$g" 2>"$tmp/err"; [ $? = 2 ] || exit 1
            grep -qF "$g: cannot be unpacked" "$tmp/err" || exit 1
            node a import --local "$g" 2>"$tmp/err" && exit 1
            grep -q "cannot be unpacked any further" "$tmp/err" || exit 1
        done
    done'
ok "a log in UTF-16 is an error, not one without hits" eval 'iconv -t utf-16 "$tmp/log" >"$tmp/log16"; gzip -k "$tmp/log16"
    for f in "$tmp/log16" "$tmp/log16.gz"; do
        node a sweep "$f" 2>"$tmp/err"; [ $? = 2 ] && grep -qF "$f: is UTF-16" "$tmp/err" || exit 1
        node a import --local "$f" 2>"$tmp/err" && exit 1
        grep -q "is UTF-16" "$tmp/err" || exit 1
    done'
ok "a packed log without a line is a log without hits, and no error" eval ': >"$tmp/quiet" && gzip -k "$tmp/quiet" && zstd -q "$tmp/quiet" && xz -k "$tmp/quiet" &&
    for f in gz zst xz; do node a sweep "$tmp/quiet.$f"; [ $? = 1 ] || exit 1; node a import --local "$tmp/quiet.$f" || exit 1; done'
ok "JSON hits are JSON" eval 'node a sweep --json "$tmp/log" | jq -es "length >= 6 and all(.reported_by | length > 0)"'
ok "b has it all" until_true same_size a b a.example
for format in list hosts rpz csv stix; do
    ok "export $format names the domain" eval "node b export $format >'$tmp/export.$format' && grep -q 'evil-domain.example' '$tmp/export.$format'"
done
ok "the STIX export is a bundle" jq -e '.type == "bundle" and (.objects | length) >= 9' "$tmp/export.stix"
ok "unknown kinds are mirrored and shown raw" eval 'echo "{\"x\":1}" | node a publish --kind weather/tide --tlp clear --type application/json - >"$tmp/address" &&
    until_true same_size a b a.example && node b show "a.example/$(sed "s/.*\///" "$tmp/address")" | grep -q "^tongzhou/1 weather/tide"'
done_testing
