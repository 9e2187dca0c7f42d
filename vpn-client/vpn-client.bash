# Completion of vpn-client for bash.
_vpn_client_configured() {
  local file
  for file in /etc/vpn/*.json; do
    [ -e "$file" ] && file=${file##*/} && [ "$file" != server.json ] && printf '%s\n' "${file%.json}"
  done
}

_vpn_client_running() {
  local file
  for file in /run/vpn/client-*.sock; do
    [ -e "$file" ] && file=${file##*/client-} && printf '%s\n' "${file%.sock}"
  done
}

_vpn_client() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
  local commands='connect disconnect status check pause lock recover doctor import export interface card run'
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case " $commands " in *" ${COMP_WORDS[i]} "*) command=${COMP_WORDS[i]}; break ;; esac
  done
  local options='--help --version --log-level' names=''
  case $before in
    --log-level) options='' names='error warn info debug' ;;
    --format) options='' names=wg ;;
    --timeout) options='' names='15s 1m 0' ;;
    pause) names='5m 15m 0' ;;
    *)
      case $command in
        '') names=$commands ;;
        connect) options+=' --foreground --timeout --run-hooks' names=$(_vpn_client_configured) ;;
        import) options+=' --output' ;;
        export) options+=' --format --output' names=$(_vpn_client_configured) ;;
        check | lock) names=$(_vpn_client_configured) ;;
        doctor) options+=' --json' names=$(_vpn_client_configured) ;;
        status) options+=' --json --watch' names=$(_vpn_client_running) ;;
        disconnect | pause) names=$(_vpn_client_running) ;;
        interface) options+=' --foreground' ;;
        run) options+=' --user --timeout' names=$(_vpn_client_configured) ;;
      esac
      ;;
  esac
  case $word in -*) names=$options ;; esac
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
  case $command in
    connect | check | lock | doctor | import | export | run)
      [[ $word == -* || ($before == --* && $before != --output) ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
      compopt -o filenames 2>/dev/null
      ;;
  esac
}

complete -F _vpn_client vpn-client
