# bash completion for tongzhou: commands and options come from the program itself (`tongzhou --words`).
_tongzhou()
{
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands first="" second="" at=0 name i
    commands=$("$program" --words 2>/dev/null) || return
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -C) ((i++)) ;;
        -*) ;;
        help) [[ -n $first ]] || at=1 ;;
        *)
            if [[ -z $first ]]; then
                first=${COMP_WORDS[i]}
            elif [[ -z $second ]]; then
                second=${COMP_WORDS[i]}
            fi
            ;;
        esac
    done
    name=$first
    grep -qx -- "$first $second" <<<"$commands" && name="$first $second"
    case "$before" in
    -C | --recovery | --recovery-out | -o | --entry | --charter | --tls-cert | --tls-key | --ca | --secret | --password) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
    --tlp | --publish) mapfile -t COMPREPLY < <(compgen -W "clear green amber amber+strict red" -- "$word") && return ;;
    --advice) mapfile -t COMPREPLY < <(compgen -W "block label recommend" -- "$word") && return ;;
    --class) mapfile -t COMPREPLY < <(compgen -W "intergovernmental state private civil" -- "$word") && return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "auto stix misp list maltrail" -- "$word") && return ;;
    --role) mapfile -t COMPREPLY < <(compgen -W "reader analyst publisher administrator" -- "$word") && return ;;
    --scope) mapfile -t COMPREPLY < <(compgen -W "read publish admin metrics" -- "$word") && return ;;
    --topic) mapfile -t COMPREPLY < <(compgen -W "held refused draft request decision community peer fork log erasure receipt overdue security" -- "$word") && return ;;
    --every) mapfile -t COMPREPLY < <(compgen -W "hour day 15m 1h 1d" -- "$word") && return ;;
    --mode) mapfile -t COMPREPLY < <(compgen -W "full recent heads" -- "$word") && return ;;
    esac
    if [[ -z $first && $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "-C --help --version" -- "$word")
    elif [[ -z $first ]]; then
        ((at)) || commands+=$'\nhelp'
        mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$commands" | sort -u)" -- "$word")
    elif [[ -z $second ]] && grep -q -- "^$first " <<<"$commands" && [[ $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n "s/^$first //p" <<<"$commands")" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" --words "$name" 2>/dev/null)" -- "$word")
    elif [[ $name == export ]]; then
        mapfile -t COMPREPLY < <(compgen -W "list hosts rpz csv stix" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _tongzhou tongzhou
