# bash completion for tongzhou: commands and options come from the program itself (`tongzhou --words`).
_tongzhou()
{
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} commands first="" second="" i
    commands=$("$program" --words 2>/dev/null) || return
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -C) ((i++)) ;;
        -*) ;;
        *)
            if [[ -z $first ]]; then
                first=${COMP_WORDS[i]}
            elif [[ -z $second ]]; then
                second=${COMP_WORDS[i]}
            fi
            ;;
        esac
    done
    if [[ -z $first ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$commands" | sort -u) -C --help --version" -- "$word")
    elif [[ -z $second ]] && grep -q "^$first " <<<"$commands" && [[ $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n "s/^$first //p" <<<"$commands")" -- "$word")
    elif [[ $word == -* ]]; then
        local name=$first
        grep -qx "$first $second" <<<"$commands" && name="$first $second"
        mapfile -t COMPREPLY < <(compgen -W "$("$program" --words "$name" 2>/dev/null)" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _tongzhou tongzhou
