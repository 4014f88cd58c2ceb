#!/bin/bash
# A module uses only those below it, cores know no sockets, threads, clocks or databases, and the tree keeps house.
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1
modules=$(sed -n 's/^MODULES := //p' Makefile)

only_below() {
    local module below="" other status=0
    for module in $modules; do
        for other in $(grep -rhoE '#include "[a-z]+/' "src/$module" | sed 's/.*"//; s/\///' | sort -u); do
            case " $below $module " in
            *" $other "*) ;;
            *)
                # Facts of the whole program stand above: the list of capabilities is read through index/capability.h.
                echo "src/$module includes $other/, which is not below it"
                status=1
                ;;
            esac
        done
        below="$below $module"
    done
    return $status
}
ok "includes go downwards only" only_below

cores_are_pure() {
    ! grep -rnE '#include <(sys/socket|pthread|time|sqlite3|curl|microhttpd)' src/base src/tlog src/record src/sweep src/policy |
        grep -vE 'src/(base/random|tlog/ed25519).c:.*pthread' # pthread_once around libsodium's start
}
ok "base, tlog, record, sweep and policy include no sockets, threads, clocks, databases" cores_are_pure

# What is decided from records alone: these see nothing above `record`, the rest of src/governance stands over the index.
fold_is_pure() {
    local file
    for file in charter roster statement group community community_rules; do
        grep -hE '#include ["<](sys/socket|pthread|time\.|sqlite3|state/|index/|http/|connect/|governance/(fold|governance)\.h)' \
            "src/governance/$file.c" "src/governance/$file.h" && return 1
    done
    return 0
}
ok "the fold of communities includes none either" fold_is_pure

own_header_first() {
    local file header status=0
    for file in src/*/*.c; do
        header=${file#src/}
        header=${header%.c}.h
        [ -f "src/$header" ] || continue
        [ "$(grep -m1 '#include' "$file")" = "#include \"$header\"" ] || { echo "$file"; status=1; }
    done
    return $status
}
ok "a source includes its own header first" own_header_first

small_files() {
    local long
    long=$(wc -l src/*/*.c src/*/*.cc | awk '$2 != "total" && $1 > 700')
    [ -z "$long" ] || { echo "$long"; return 1; }
}
ok "no source file is longer than 700 lines" small_files

one_cxx_file() { is "$(find src -name '*.cc' | wc -l)" 1; }
ok "there is one C++ file" one_cxx_file
# docs/attacks.md says which test tries what: `module/test_x` with its functions, and scenarios.
attacks_are_tried() {
    local row word program tests status=0
    while IFS= read -r row; do
        program="" tests=0
        while IFS= read -r word; do
            tests=$((tests + 1))
            case $word in
            */test_*)
                program=tests/unit/$word.c
                [ -f "$program" ] || { echo "no $program"; status=1; }
                ;;
            fuzz_*) [ -f "tests/fuzz/$word.c" ] || { echo "no tests/fuzz/$word.c"; status=1; } ;;
            [0-9][0-9]-*) [ -f "tests/shell/$word.sh" ] || { echo "no scenario $word"; status=1; } ;;
            *) grep -qE "^(static )?void $word\\(" "$program" || { echo "$program has no $word"; status=1; } ;;
            esac
        done < <(printf '%s\n' "${row##*| }" | grep -oE '`[^`]+`' | tr -d '`')
        [ $tests -gt 0 ] || { echo "no test: $row"; status=1; }
    done < <(grep -E '^\| .* \|$' docs/attacks.md | sed 's/ |$//' | grep -vE '^\| attack ')
    return $status
}
ok "every attack of docs/attacks.md has a test that is there" attacks_are_tried
done_testing
