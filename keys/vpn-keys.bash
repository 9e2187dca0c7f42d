# Completion of vpn-keys for bash.
_vpn_keys() {
  local names='genkey pubkey genpsk'
  case ${COMP_WORDS[COMP_CWORD]} in -*) names='--help --version' ;; esac
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "${COMP_WORDS[COMP_CWORD]}")
}

complete -F _vpn_keys vpn-keys
