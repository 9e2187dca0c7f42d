// How much of everything a configuration may hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vpn::config::limits {

inline constexpr std::size_t client_peers = 1024;
inline constexpr std::size_t server_peers = 200'000;
/// Of an interface or one peer.
inline constexpr std::size_t addresses = 64;
inline constexpr std::size_t networks = 64;
inline constexpr std::size_t dns = 16;
inline constexpr std::size_t local_networks = 64;
inline constexpr std::size_t host_services = 256;
inline constexpr std::int64_t connections = 1'000'000;
/// Of one peer.
inline constexpr std::size_t allowed_ips = 200'000;
inline constexpr std::size_t exclusions = 256;
inline constexpr std::size_t endpoints = 8;
inline constexpr std::size_t smallest_ipv6_mtu = 1280;

} // namespace vpn::config::limits
