#!/bin/bash
# Three nodes mirror, verify and cosign each other, and a fourth that reaches only one of them gets everything.
. "$(dirname "$0")/lib.sh"

for name in a b c d; do init $name $name.example; done
ok "a imports" node a import --tlp clear --format maltrail "$root/samples/maltrail/wannacry.txt"
ok "four nodes serve" eval 'start a --alone && start b --alone && start c --alone && start d --alone'
ok "b and c know a, a knows both" eval 'peer b a && peer c a && peer a b && peer a c'
ok "d knows b alone" peer d b
ok "b has all of a" until_true same_size a b a.example
ok "c has all of a" until_true same_size a c a.example
ok "d has all of a by way of b" until_true same_size a d a.example
ok "b tells that it does not know d" until_true grep -qE 'unknown, said to be by d[.]example/[a-z2-7]{52}, whose log is not mirrored here' "$tmp/b.log"
ok "d has b and c too" eval 'until_true same_size b d b.example && until_true same_size c d c.example'
two_cosigned() { [ "$(fact a a.example cosignatures)" -ge 2 ]; }
ok "a collected two cosignatures" until_true two_cosigned
ok "every log on d verifies" node d verify
ok "over HTTP too" node d verify "$(url b)"
ok "content is the same byte for byte" cmp <(node a show --body a.example/3) <(node d show --body a.example/3)
grow() { echo "news $1" | node a publish --kind culture/note --tlp clear - >/dev/null; }
ok "a goes on" eval 'for i in 1 2 3; do grow $i; done'
ok "d learns of it by itself" until_true same_size a d a.example
ok "what is amber stays at a" eval 'echo secret-amber | node a publish --kind culture/note --tlp amber --keep - 2>/dev/null'
size_only() { is "$(fact d a.example size)" "$(fact a a.example size)"; }
ok "d sees that something was said" until_true size_only
ok "d does not see what" nowhere secret-amber "$tmp/b" "$tmp/c" "$tmp/d"
healthy() { curl -sf "$(url b)/healthz" >/dev/null; }
ok "healthz" healthy
ok "metrics" eval 'curl -sf "$(url b)/metrics" | grep -q "^tongzhou_"'
for page in / /members /intelligence "/intelligence?q=iuqerf"; do
    ok "page $page" eval "curl -sf '$(url b)$page' | grep -q '</html>'"
done
ok "a local log is never served" eval 'node b import --local --format list <(echo local-only.example) >/dev/null &&
    ! curl -s "$(url b)/heads" | grep -q "local/" && ! curl -s "$(url b)/intelligence/results?q=local-only" | grep -q local-only.example'
peers_are() { is "$(node a status --json | jq -r '[.peer_list[].state] | sort | join(", ")')" "$1"; }
ok "a is in touch with both" until_true peers_are "in touch, in touch"
stopped=$(url c)
ok "c goes" stop c
ok "a says so" until_true peers_are "failing, in touch"
ok "and which one, and since when" eval "node a status | grep -qE '^  $stopped: not reached since 20[0-9T:-]{17}: '"
ok "b sweeps with it" eval 'echo "query local-only.example" | node b sweep - | grep -q local-only.example'
done_testing
