// Connections to plan, in as few words as possible.
#pragma once

#include "vpn-client/network_plan.hpp"

#include <string_view>
#include <vector>

namespace vpn::client {

inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

inline std::vector<Prefix> prefixes(std::initializer_list<std::string_view> texts) {
    std::vector<Prefix> list;
    for (const std::string_view text : texts) list.push_back(prefix(text));
    return list;
}

/// One peer, interface `laptop`, inside 10.66.0.2 and fd66::2. A `!` excludes, as in a file.
inline config::ClientConfig connection_taking(std::initializer_list<std::string_view> allowed_ips) {
    config::ClientConfig config;
    config.interface.name = "laptop";
    config.interface.addresses = prefixes({"10.66.0.2/32", "fd66::2/128"});
    config::ClientPeer& peer = config.peers.emplace_back();
    for (const std::string_view text : allowed_ips) peer.written_ips.push_back(config::AllowedIp::parse(text).value());
    peer.allowed_ips = config::remaining(peer.written_ips);
    if (config::prefixes_of(peer.written_ips, true).empty()) peer.written_ips.clear();
    config.peers.front().endpoint = config::HostPort{"198.51.100.10", Port{51820}};
    return config;
}

inline NetworkFacts facts() {
    NetworkFacts facts;
    facts.interface = 7;
    facts.endpoints = {address("198.51.100.10")};
    facts.listen_port = Port{40000};
    return facts;
}

} // namespace vpn::client
