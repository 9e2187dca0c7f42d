// Gathers the facts that findings are made of, from this machine: kernel, files, and whoever answers. Changes nothing.
// Refuses to know: what is good and what is bad about them.
#pragma once

#include "common/system/netlink.hpp"
#include "common/system/nftables.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/doctor/machine.hpp"
#include "vpn-client/doctor/way.hpp"
#include "vpn-client/report.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::client::checks {

/// Of connections whose daemons run.
std::vector<Journal> running_journals();
Leftovers look_for_leftovers(system::Netlink& netlink, system::Nftables& nftables);
NetworkView look_at_network(system::Netlink& netlink);
/// NetworkManager and systemd-networkd, and what they say of `interface`.
std::vector<Manager> look_for_managers(system::Netlink& netlink, const std::string& interface);
/// When the server was last greeted, by our own clock then. None if it never was.
std::optional<Wall> last_greeting(const ConnectionFile& file);

/// Beside each other; for each, in their order.
std::vector<NameFacts> look_up(const std::vector<config::HostPort>& servers);
/// By which interface an outer packet to the address leaves. None if by none.
std::optional<system::Link> outer_link(system::Netlink& netlink, const IpAddress& address);
/// By which interface any other packet to the address leaves; empty if by none.
std::string way_to(system::Netlink& netlink, const IpAddress& address);
ReversePath look_at_reverse_path(const std::string& outer_interface, const Journal* journal);

/// Whom to ask inside: `probe`, `dns`, and where the file names nobody of a family, the first address of the tunnel's network.
std::vector<Asked> whom_to_ask(const config::ClientConfig& config);
std::vector<IpAddress> resolvers_of_machine();

} // namespace vpn::client::checks
