// The server's table in the kernel, there as long as this lives. A crash leaves it; the next one replaces it.
// Refuses to know: what the rules say.
#pragma once

#include "common/system/nftables.hpp"
#include "vpn-server/connection_counts.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace vpn::server {

class Firewall {
  public:
    /// Errors: no nftables, or nft's own words; then nothing has changed.
    static Result<Firewall> put_up(std::string_view tunnel, std::string rules);

    /// At once and atomically; nothing is done if they stand already. Connections are then counted anew. Errors: nft's own words,
    /// and the old rules stand.
    Result<void> replace(std::string rules);
    /// Puts the table up again if somebody removed it (`nft flush ruleset`, a restart of nftables.service). True if so.
    Result<bool> restore();
    [[nodiscard]] const std::string& rules() const { return rules_; }
    /// What was dropped since it was put up because an address has too many connections. What can't be listed is not counted.
    [[nodiscard]] AddressCounts over_connections() const;

  private:
    Firewall(std::unique_ptr<system::Nftables> nftables, system::ScopedTable table, std::string_view tunnel, std::string rules)
        : nftables_(std::move(nftables)), table_(std::move(table)), name_(table_name_of(tunnel)), rules_(std::move(rules)) {}
    static std::string table_name_of(std::string_view tunnel);

    std::unique_ptr<system::Nftables> nftables_; ///< the table points to it
    system::ScopedTable table_;
    std::string name_; ///< with its family
    std::string rules_;
    AddressCounts before_; ///< by sets that are no more
};

} // namespace vpn::server
