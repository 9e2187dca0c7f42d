#include "vpn-server/firewall.hpp"

#include "vpn-server/ruleset.hpp"

namespace vpn::server {

Result<Firewall> Firewall::put_up(std::string_view tunnel, std::string rules) {
    auto opened = system::Nftables::open();
    if (!opened) return tl::unexpected(opened.error());
    auto nftables = std::make_unique<system::Nftables>(std::move(*opened));
    auto table = system::ScopedTable::apply(*nftables, std::string(table_family), table_name(tunnel), rules);
    if (!table) return tl::unexpected(table.error());
    return Firewall(std::move(nftables), std::move(*table), std::move(rules));
}

Result<void> Firewall::replace(std::string rules) {
    if (rules == rules_) return {};
    if (auto applied = nftables_->apply(rules); !applied) return applied;
    rules_ = std::move(rules);
    return {};
}

} // namespace vpn::server
