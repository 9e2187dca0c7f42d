#include "vpn-client/leftovers.hpp"

#include "common/config/limits.hpp"
#include "common/system/files.hpp"
#include "common/system/instance_lock.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/network.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

/// Several local networks have a rule of one priority each.
void delete_all(system::Netlink& netlink, const system::Rule& rule) {
    for (std::size_t i = 0; i <= config::limits::local_networks && system::delete_rule(netlink, rule); ++i) {
    }
}

void take_back(const Journal& journal, system::Netlink& netlink, system::Nftables& nftables, const std::vector<Journal>& others) {
    for (const system::Rule& rule : rules_of(journal)) delete_all(netlink, rule);
    if (!journal.firewall_table.empty())
        static_cast<void>(system::ScopedTable::adopt(nftables, "inet", journal.firewall_table).revert());
    remove_journal(journal.name);
    give_back_valid_mark(journal, others);
}

/// Its lock, so that nobody starts it while we clean up behind it. None if it runs.
std::optional<system::InstanceLock> lock_of_crashed(const Journal& journal) {
    auto lock = system::InstanceLock::acquire(std::string(run_directory), lock_name(journal.name));
    if (!lock) return std::nullopt;
    return std::move(*lock);
}

bool is_one_of(const system::Rule& rule, const std::vector<Journal>& running) {
    return std::ranges::any_of(running, [&rule](const Journal& journal) {
        return std::ranges::any_of(rules_of(journal), [&rule](const system::Rule& ours) {
            return ours.family == rule.family && ours.priority == rule.priority && ours.table == rule.table;
        });
    });
}

std::string description(const system::Rule& rule) {
    return std::string(rule.family == Family::v4 ? "an IPv4" : "an IPv6") + " routing rule of priority " +
           std::to_string(rule.priority);
}

} // namespace

std::vector<Journal> clean_up_leftovers(system::Netlink& netlink, system::Nftables& nftables, std::string_view own) {
    std::vector<Journal> running;
    std::vector<Journal> crashed;
    std::vector<system::InstanceLock> locks;
    for (Journal& journal : read_journals()) {
        auto lock = journal.name == own ? std::nullopt : lock_of_crashed(journal);
        (lock || journal.name == own ? crashed : running).push_back(std::move(journal));
        if (lock) locks.push_back(std::move(*lock));
    }
    for (const Journal& journal : crashed) {
        take_back(journal, netlink, nftables, running);
        if (journal.name != own) static_cast<void>(system::remove_file(socket_path(journal.name)));
    }
    return running;
}

std::optional<unsigned> free_slot(const std::vector<Journal>& running) {
    for (unsigned slot = 0; slot < slots; ++slot)
        if (std::ranges::none_of(running, [slot](const Journal& journal) { return journal.slot == slot; })) return slot;
    return std::nullopt;
}

Result<void> check_unused(const NetworkPlan& plan, const std::vector<system::Rule>& rules,
                          const std::vector<system::Route>& routes, const std::vector<Journal>& running) {
    if (plan.rules.empty()) return {};
    for (const system::Rule& rule : rules) {
        if (is_one_of(rule, running)) continue;
        if (rule.table == plan.table())
            return failed("routing table " + std::to_string(rule.table) + " is already used by " + description(rule) +
                          "; vpn-client needs it");
        if (rule.mark && rule.mark->value == outer_mark)
            return failed("firewall mark " + std::to_string(outer_mark.value) + " is already used by " + description(rule) +
                          "; vpn-client needs it");
        const bool same_place = std::ranges::any_of(plan.rules, [&rule](const system::Rule& ours) {
            return ours.family == rule.family && ours.priority == rule.priority;
        });
        if (same_place) return failed("there is already " + description(rule) + "; vpn-client needs it");
    }
    for (const system::Route& route : routes)
        if (route.table == plan.table())
            return failed("routing table " + std::to_string(route.table) + " already has a route to " +
                          route.destination.to_string() + "; vpn-client needs it");
    return {};
}

} // namespace vpn::client
