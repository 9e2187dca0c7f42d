// The rules that both kinds of configuration keep as a whole, checked one after the other; the first that is broken counts.
// Refuses to know: text and lines. A problem says where it is by a path, and whoever read the text finds the line.
#pragma once

#include "common/base/ip.hpp"
#include "common/config/error.hpp"
#include "common/crypto/keys.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vpn::config {

/// `peers[3].NAME`, and `LIST[3]`.
std::string peer_path(std::size_t peer, std::string_view name);
std::string item_path(const std::string& list, std::size_t item);

/// The tunnel's own addresses: at least one, none twice, and room for IPv6 in the MTU.
std::optional<Problem> check_addresses(const std::vector<Prefix>& addresses, std::optional<std::uint16_t> mtu);
std::optional<Problem> check_private_key(const crypto::PrivateKey& key);

/// What peers hold, and no two of them the same.
class PeerRules {
  public:
    /// The own keys may be no peer's.
    explicit PeerRules(std::vector<crypto::PublicKey> own) : own_(std::move(own)) {}

    /// Takes the next peer's name (which may be empty, and then anyone may have it too) and key.
    std::optional<Problem> add_peer(std::string_view name, const crypto::PublicKey& key);
    /// Takes one of that peer's prefixes.
    std::optional<Problem> add_prefix(const Prefix& prefix, const std::string& where);

  private:
    [[nodiscard]] std::string called(std::size_t peer) const;

    std::vector<crypto::PublicKey> own_;
    std::vector<std::string_view> names_;
    std::unordered_map<std::string_view, std::size_t> by_name_;
    std::unordered_map<crypto::PublicKey, std::size_t> by_key_;
    std::map<Prefix, std::size_t> by_prefix_;
};

} // namespace vpn::config
