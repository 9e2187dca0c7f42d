// The server's table in the kernel, there as long as this lives. A crash leaves it; the next one replaces it.
// Refuses to know: what the rules say.
#pragma once

#include "common/system/nftables.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace vpn::server {

class Firewall {
  public:
    /// Errors: no nftables, or nft's own words; then nothing has changed.
    static Result<Firewall> put_up(std::string_view tunnel, std::string rules);

    /// At once and atomically; nothing is done if they stand already. Errors: nft's own words, and the old rules stand.
    Result<void> replace(std::string rules);
    [[nodiscard]] const std::string& rules() const { return rules_; }

  private:
    Firewall(std::unique_ptr<system::Nftables> nftables, system::ScopedTable table, std::string rules)
        : nftables_(std::move(nftables)), table_(std::move(table)), rules_(std::move(rules)) {}

    std::unique_ptr<system::Nftables> nftables_; ///< the table points to it
    system::ScopedTable table_;
    std::string rules_;
};

} // namespace vpn::server
