# Completion of vpn-server for bash.
_vpn_server() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' about='' files='' i
  local commands='init run check status reload rekey key peer' of_peers='add list show disable enable rename rekey limit reset remove'
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [ "$command" = peer ]; then
      case " $of_peers " in *" ${COMP_WORDS[i]} "*) about=${COMP_WORDS[i]}; break ;; esac
    elif [ -z "$command" ]; then
      case " $commands " in *" ${COMP_WORDS[i]} "*) command=${COMP_WORDS[i]} ;; esac
    fi
  done
  local options='--help --version --config --log-level' names=''
  case $before in
    --log-level) options='' names='error warn info debug' ;;
    --suite) options='' names='hybrid wireguard' ;;
    --format) options='' names='json wg' ;;
    --config | --output | --card) options='' files=yes ;;
    *)
      case $command/$about in
        /) names=$commands ;;
        init/) options+=' --endpoint --network --network6 --interface --listen-port --dns --force --no-enable' ;;
        status/ | key/ | peer/list) options+=' --json' ;;
        rekey/) options+=' --grace --end' ;;
        peer/) names=$of_peers ;;
        peer/add) options+=' --public-key --suite --format --output --allowed-ips --dns --psk --card --expires --quota --rate --qr' ;;
        peer/rekey) options+=' --public-key --format --output --allowed-ips --dns --psk --card --qr' ;;
        peer/limit) options+=' --expires --quota --rate' ;;
        peer/reset) options+=' --quota' ;;
      esac
      ;;
  esac
  case $word in -*) names=$options ;; esac
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
  [ -z "$files" ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

complete -F _vpn_server vpn-server
