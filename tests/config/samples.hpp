// Keys and files that the tests of this room share. The keys belong to nobody.
#pragma once

#include <string>
#include <string_view>

namespace vpn::config::samples {

inline constexpr std::string_view private_key = "AKcgyF+gXyubNEBM8vwVu4CxzoWLH9uCB7c+oybrXlk=";
/// Belongs to `private_key`.
inline constexpr std::string_view own_public_key = "N/KR0qPguz1o23D0QahYQL2/D8wzhubZKbeCd2S5LgE=";
inline constexpr std::string_view public_key = "GtbVA0MV2k6QWokf9bZw/CiWeNXGpBeVinz9BkprvCA=";
inline constexpr std::string_view other_public_key = "2UZDIm+macaR0yhdVNpp4XjsVq9aHObmCvJ7ntFcQUA=";
inline constexpr std::string_view preshared_key = "DCphec+5S7rFo4leIWGNcbF5i7VlFBB14pqt11jxZB4=";

/// `text` with every `from` replaced by `to`.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

/// Texts write keys as PRIVATE, OWN, PUBLIC, OTHER and PRESHARED.
inline std::string with_keys(std::string text) {
    text = with(std::move(text), "PRIVATE", private_key);
    text = with(std::move(text), "OWN", own_public_key);
    text = with(std::move(text), "PUBLIC", public_key);
    text = with(std::move(text), "OTHER", other_public_key);
    return with(std::move(text), "PRESHARED", preshared_key);
}

inline std::string client_file() {
    return with_keys(R"({
  "version": 1,
  "interface": {
    "private_key": "PRIVATE",
    "addresses": ["10.66.0.2/32", "fd66::2/128"],
    "dns": ["9.9.9.9"],
    "mtu": "auto",
    "probe": "10.66.0.1"
  },
  "peers": [
    {
      "name": "vps",
      "public_key": "PUBLIC",
      "preshared_key": "PRESHARED",
      "endpoint": "vpn.example.org:51820",
      "allowed_ips": ["0.0.0.0/0", "::/0"],
      "persistent_keepalive": 25,
      "suite": "wireguard"
    }
  ]
}
)");
}

inline std::string server_file() {
    return with_keys(R"({
  "version": 1,
  "interface": {
    "name": "vpns",
    "private_key": "PRIVATE",
    "listen_port": 51820,
    "addresses": ["10.66.0.1/24", "fd66::1/64"],
    "mtu": "auto"
  },
  "endpoint": "vpn.example.org:51820",
  "networks": ["10.66.0.0/24", "fd66::/64"],
  "dns": ["9.9.9.9"],
  "nat": "auto",
  "isolate_peers": true,
  "host_services": [],
  "peers": [
    {
      "name": "laptop",
      "public_key": "PUBLIC",
      "preshared_key": "PRESHARED",
      "suite": "wireguard",
      "addresses": ["10.66.0.2/32", "fd66::2/128"],
      "allowed_ips": [],
      "disabled": false
    },
    {
      "name": "phone",
      "public_key": "OTHER",
      "suite": "wireguard",
      "addresses": ["10.66.0.3/32"],
      "allowed_ips": ["192.168.7.0/24"],
      "disabled": true
    }
  ]
}
)");
}

} // namespace vpn::config::samples
