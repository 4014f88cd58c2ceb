#!/bin/bash
# What is marked for a narrower circle is refused for a wider one, with the reason, and everything else goes in.
. "$(dirname "$0")/lib.sh"
data=${TONGZHOU_DATA:-$root/../shared/data}

init a a.example
refused() { # file, pattern of the reason
    local out
    out=$(node a import --tlp clear "$1" 2>&1) && { echo "exit status 0: $out"; return 1; }
    printf '%s\n' "$out" | grep -qi "$2" || { printf '%s\n' "$out"; return 1; }
    is "$(fact a a.example size)" 1
}
ok "the sample TLP:RED object is refused" refused "$root/samples/stix/tlp-red.json" 'TLP:RED by'
if [ -r "$data/stix/interop-objectmarking-test.json" ]; then
    ok "the standard's TLP:RED example is refused" refused "$data/stix/interop-objectmarking-test.json" 'TLP:RED by\|cannot be resolved'
    ok "the Citizen Lab event is refused" refused "$data/citizenlab/202006_DarkBasin/misp.json" 'distribution 1'
    ok "the other one too" refused "$data/citizenlab/201801_SpyingOnABudget/indicators.json" 'distribution 1'
    ok "it goes into the local log" eval 'node a import --local "$data/citizenlab/202006_DarkBasin/misp.json"'
    ok "which is here" eval '[ "$(fact a local size)" -gt 300 ]'
else
    skip "examples of the standard and Citizen Lab events" "the data folder is not here"
fi
say() { node a publish --kind security/stix --type "application/stix+json;version=2.1" "$@"; }
jq -c . "$root/samples/stix/tlp-red.json" >"$tmp/red.json"
no "nor is it published past the import" say --tlp clear "$tmp/red.json"
ok "with the reason" eval 'say --tlp amber --keep "$tmp/red.json" 2>&1 | grep -q "narrower than TLP:AMBER, by marking-definition--"'
no "what is no STIX object is not said to be one" say --tlp clear "$root/README.md"
ok "the local log takes it" say --tlp red --local "$tmp/red.json"
no "no TLP, no import" node a import "$root/samples/maltrail/wannacry.txt"
ok "a dry run changes nothing" eval 'node a import --dry-run --tlp clear --format maltrail "$root/samples/maltrail/wannacry.txt" && is "$(fact a a.example size)" 1'
ok "amber is accepted but stays" eval 'node a import --tlp amber --keep --format list <(echo amber-only.example) 2>&1 | grep -q "stays on this node"'
ok "the export leaves it out" eval '! node a export list | grep -q amber-only'
ok "the export for ourselves has it" eval 'node a export --all list | grep -q amber-only'
echo kept.example >"$tmp/kept.txt"
ok "kept for few" eval 'node a import --tlp red --keep --json "$tmp/kept.txt" 2>/dev/null | jq -e ".added == 1"'
ok "and shared later" eval 'node a import --tlp clear --json "$tmp/kept.txt" | jq -e ".added == 1 and .updated == 1 and .duplicates == 0"'
ok "once" eval 'node a import --tlp clear --json "$tmp/kept.txt" | jq -e ".added == 0 and .duplicates == 1"'
ok "then others get it" eval 'node a export list | grep -q kept.example'
done_testing
