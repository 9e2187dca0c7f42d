#include "vpn-server/firewall.hpp"

#include "vpn-server/ruleset.hpp"

namespace vpn::server {

Result<Firewall> Firewall::put_up(std::string_view tunnel, std::string rules) {
    auto opened = system::Nftables::open();
    if (!opened) return tl::unexpected(opened.error());
    auto nftables = std::make_unique<system::Nftables>(std::move(*opened));
    auto table = system::ScopedTable::apply(*nftables, std::string(table_family), table_name(tunnel), rules);
    if (!table) return tl::unexpected(table.error());
    return Firewall(std::move(nftables), std::move(*table), tunnel, std::move(rules));
}

Result<void> Firewall::replace(std::string rules) {
    if (rules == rules_) return {};
    AddressCounts counted = over_connections();
    if (auto applied = nftables_->apply(rules); !applied) return applied;
    before_ = std::move(counted);
    rules_ = std::move(rules);
    return {};
}

Result<bool> Firewall::restore() {
    if (nftables_->list("list chain " + name_ + " prerouting")) return false;
    if (auto applied = nftables_->apply(rules_); !applied) return tl::unexpected(applied.error());
    return true;
}

AddressCounts Firewall::over_connections() const {
    AddressCounts counts = before_;
    for (const Family family : {Family::v4, Family::v6}) {
        const std::string set(over_connections_set(family));
        if (rules_.find(" set " + set + ' ') == std::string::npos) continue; // no cap, no sets
        const auto listed = nftables_->list_json("list set " + name_ + ' ' + set, system::Elements::listed);
        if (listed) static_cast<void>(add_counts(*listed, counts));
    }
    return counts;
}

std::string Firewall::table_name_of(std::string_view tunnel) { return std::string(table_family) + ' ' + table_name(tunnel); }

} // namespace vpn::server
