#include "vpn-client/leftovers.hpp"

#include "common/config/limits.hpp"
#include "common/system/files.hpp"
#include "common/system/instance_lock.hpp"
#include "common/system/unfinished_file.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/dns/dns.hpp"
#include "vpn-client/network.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>

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
    give_back_valid_mark(journal, others);
    remove_journal(journal.name);
}

struct Crashed {
    std::string name;
    std::optional<system::InstanceLock> lock; ///< none: the caller has it
    std::optional<Journal> journal;
};

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

std::optional<system::InstanceLock> lock_of_ended(const std::string& name) {
    constexpr Duration pause = std::chrono::milliseconds(10);
    constexpr int attempts = 200;
    for (int attempt = 1;; ++attempt) {
        auto lock = system::InstanceLock::acquire(std::string(run_directory), lock_name(name));
        if (lock) return std::move(*lock);
        if (!lock.error().held || attempt == attempts || ask_for_report(name)) return std::nullopt;
        std::this_thread::sleep_for(pause);
    }
}

std::vector<Journal> clean_up_leftovers(system::Netlink& netlink, system::Nftables& nftables, std::string_view own) {
    std::vector<Journal> running;
    std::vector<Crashed> crashed;
    for (const std::string& name : connections_with_files()) {
        auto lock = name == own ? std::nullopt : lock_of_ended(name);
        auto journal = read_journal(name);
        if (lock || name == own)
            crashed.push_back({name, std::move(lock), std::move(journal)});
        else if (journal)
            running.push_back(std::move(*journal));
    }
    for (const Crashed& each : crashed) {
        take_back_dns(each.name);
        if (each.journal) take_back(*each.journal, netlink, nftables, running);
        if (each.name != own) static_cast<void>(system::remove_file(socket_path(each.name)));
    }
    for (const std::string_view directory : {run_directory, state_directory, connection_directory})
        system::remove_unfinished(std::string(directory));
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
