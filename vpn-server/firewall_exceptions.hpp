// The exceptions for peers in other firewalls, there as long as this lives. A crash leaves them, marked; the next one takes them
// over. Whoever flushes such a chain, as a reload of ufw does, is answered by another look.
// Refuses to know: which exceptions there must be, and when to look.
#pragma once

#include "common/system/nftables.hpp"
#include "vpn-server/exception_plan.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::server {

/// Everybody's tables that filter, but for `own`. Errors: nft's own words.
Result<std::vector<ForeignTable>> look_at_tables(system::Nftables& nftables, std::string_view own);

/// The tables of iptables-legacy that filter, and why one could not be read.
struct LegacyTables {
    std::vector<ForeignTable> tables;
    std::string trouble; ///< else empty
    /// Of what was read of each family, IPv4 first: zero if there is no table, none if it could not be read.
    std::array<std::optional<std::size_t>, 2> hashes;
};
LegacyTables look_at_legacy_tables();

class FirewallExceptions {
  public:
    explicit FirewallExceptions(std::string_view tunnel);
    FirewallExceptions(const FirewallExceptions&) = delete;
    FirewallExceptions& operator=(const FirewallExceptions&) = delete;
    ~FirewallExceptions();

    /// Looks at what stands, makes what is missing and takes back what is needed no longer. Nothing is changed if all is right.
    void follow(const config::ServerConfig& config, const Uplinks& uplinks);
    /// Whether tables of iptables-legacy are others than at the last look. While they can't be read they are what they were.
    [[nodiscard]] bool legacy_tables_changed() const;
    /// As it was at the last look.
    [[nodiscard]] const OtherFirewalls& seen() const { return seen_; }

  private:
    /// The tables as they are then. What is no reason not to look at others is told as `seen`'s trouble.
    Result<std::vector<ForeignTable>> follow_nftables(const config::ServerConfig& config, const Uplinks& uplinks,
                                                      OtherFirewalls& seen);
    [[nodiscard]] bool stands(const std::vector<Exception>& wanted, const std::vector<ForeignTable>& tables) const;

    std::string table_; ///< our own
    std::string mark_;
    Result<system::Nftables> nftables_;
    std::vector<Exception> made_;
    std::array<std::size_t, 2> legacy_hashes_{}; ///< when each was last read
    OtherFirewalls seen_;
};

} // namespace vpn::server
