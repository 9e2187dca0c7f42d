// Tables of iptables-legacy as the kernel of Linux 6.18 gave them, put there by Debian's iptables 1.8.9.
#pragma once

#include "common/system/xtables.hpp"

namespace vpn::test {

/// :INPUT DROP, :FORWARD DROP, :OUTPUT ACCEPT
/// -A INPUT -i eth0 -p udp -m multiport --dports 53,51000:52000 -m comment --comment "the VPN" -j ACCEPT
/// -A FORWARD -j DOCKER-USER
/// -A FORWARD -s 10.66.0.0/24 -i vpn+ ! -o docker0 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
system::Xtable captured_v4();

/// :INPUT ACCEPT, :FORWARD DROP, :OUTPUT ACCEPT
/// -A FORWARD -s fd66::/64 -p udp -m udp --dport 1000:2000 -g mine
/// -A FORWARD -p tcp -m tcp --dport 80 -j REJECT
/// -A mine -i vpns -j ACCEPT
system::Xtable captured_v6();

} // namespace vpn::test
