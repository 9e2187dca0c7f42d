// What a connection put up that outlives its process: rules, the firewall's table and a sysctl, written down before any of it is
// done, so that the next `connect` can take back what a crash left. Interface, addresses and routes go with the process.
// In /run: a restart of the machine forgets it together with what it speaks of.
#pragma once

#include "common/base/result.hpp"
#include "common/system/rule.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

struct Journal {
    /// The connection's.
    std::string name;
    /// Of rules and routing table; empty if there are no rules.
    std::optional<unsigned> slot;
    /// Families that have rules.
    std::vector<Family> rule_families;
    /// Of the family inet.
    std::string firewall_table;
    /// What net.ipv4.conf.all.src_valid_mark was before anybody of ours changed it; empty: not ours to put back.
    std::string valid_mark_before;

    friend bool operator==(const Journal&, const Journal&) = default;
};

std::string encode(const Journal& journal);
/// None if it is not what encode makes.
std::optional<Journal> decode_journal(std::string_view text);

Result<void> write_journal(const Journal& journal);
void remove_journal(std::string_view name);
/// None if there is none, or it can't be read.
std::optional<Journal> read_journal(const std::string& name);
/// Of all connections, up or crashed. What can't be read is passed over.
std::vector<Journal> read_journals();

/// The rules that a journal speaks of.
std::vector<system::Rule> rules_of(const Journal& journal);

} // namespace vpn::client
