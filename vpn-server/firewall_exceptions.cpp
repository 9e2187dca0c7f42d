#include "vpn-server/firewall_exceptions.hpp"

#include "vpn-server/legacy_table.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

namespace vpn::server {
namespace {

/// As the kernel has them.
struct RawTables {
    std::vector<system::Xtable> tables;
    std::string trouble;
};

RawTables read_legacy_tables() {
    RawTables raw;
    for (const Family family : {Family::v4, Family::v6}) {
        auto read = system::read_xtable(family);
        if (!read)
            raw.trouble = read.error().message;
        else if (*read)
            raw.tables.push_back(std::move(**read));
    }
    return raw;
}

/// Zero: there are none.
std::size_t hash_of(const RawTables& raw) {
    std::size_t hash = std::hash<std::string_view>()(raw.trouble);
    if (raw.tables.empty() && raw.trouble.empty()) return 0;
    for (const system::Xtable& table : raw.tables) {
        const Bytes bytes = table.entries;
        hash = hash * 31 + std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    return hash;
}

} // namespace

Result<std::vector<ForeignTable>> look_at_tables(system::Nftables& nftables, std::string_view own) {
    const auto chains = nftables.list_json("list chains", system::Elements::left_out);
    if (!chains) return tl::unexpected(chains.error());
    auto names = filtering_tables(*chains);
    if (!names) return tl::unexpected(names.error());
    std::vector<ForeignTable> tables;
    for (TableName& name : *names) {
        if (name.family == table_family && name.name == own) continue;
        const auto text = nftables.list_json("list table " + name.text(), system::Elements::left_out);
        if (!text) return tl::unexpected(text.error());
        auto table = ForeignTable::parse(std::move(name), *text);
        if (!table) return tl::unexpected(table.error());
        tables.push_back(std::move(*table));
    }
    return tables;
}

LegacyTables look_at_legacy_tables() {
    LegacyTables seen;
    const RawTables raw = read_legacy_tables();
    seen.trouble = raw.trouble;
    seen.hash = hash_of(raw);
    for (const system::Xtable& one : raw.tables) {
        auto table = legacy_table(one);
        if (table)
            seen.tables.push_back(std::move(*table));
        else
            seen.trouble = table.error().message;
    }
    return seen;
}

FirewallExceptions::FirewallExceptions(std::string_view tunnel)
    : table_(table_name(tunnel)), mark_(exception_mark(tunnel)), nftables_(system::Nftables::open()) {}

FirewallExceptions::~FirewallExceptions() {
    if (!nftables_) return;
    const auto tables = look_at_tables(*nftables_, table_);
    const std::string commands = tables ? exception_commands(mark_, *tables, {}) : std::string();
    if (!commands.empty()) static_cast<void>(nftables_->apply(commands));
}

void FirewallExceptions::follow(const config::ServerConfig& config, const Uplinks& uplinks) {
    auto seen = look(config, uplinks);
    seen_ = seen ? std::move(*seen) : OtherFirewalls{.exceptions = {}, .obstacles = {}, .trouble = seen.error().message};
}

Result<OtherFirewalls> FirewallExceptions::look(const config::ServerConfig& config, const Uplinks& uplinks) {
    if (!nftables_) return tl::unexpected(nftables_.error());
    auto tables = look_at_tables(*nftables_, table_);
    if (!tables) return tl::unexpected(tables.error());
    OtherFirewalls seen;
    std::vector<Exception> wanted = plan_exceptions(config, uplinks, *tables);
    if (!stands(wanted, *tables)) {
        const std::string commands = exception_commands(mark_, *tables, wanted);
        const auto applied = commands.empty() ? Result<void>() : nftables_->apply(commands);
        if (applied)
            made_ = std::move(wanted);
        else
            seen.trouble = applied.error().message;
        tables = look_at_tables(*nftables_, table_);
        if (!tables) return tl::unexpected(tables.error());
    }
    for (const Exception& exception : made_) seen.exceptions.push_back(exception.place());
    LegacyTables legacy = look_at_legacy_tables();
    legacy_hash_ = legacy.hash;
    if (seen.trouble.empty()) seen.trouble = legacy.trouble;
    std::ranges::move(legacy.tables, std::back_inserter(*tables));
    seen.obstacles = find_obstacles(config, uplinks, *tables);
    return seen;
}

bool FirewallExceptions::legacy_tables_changed() const {
    const RawTables raw = read_legacy_tables();
    return raw.trouble.empty() && hash_of(raw) != legacy_hash_;
}

/// Each of ours where it was put, and no other with our mark.
bool FirewallExceptions::stands(const std::vector<Exception>& wanted, const std::vector<ForeignTable>& tables) const {
    if (wanted != made_) return false;
    for (const ForeignTable& table : tables) {
        std::vector<MarkedRule> marked = table.marked(mark_);
        for (const Exception& exception : made_) {
            if (exception.table != table.name()) continue;
            const auto there = [&](const MarkedRule& rule) { return rule.chain == exception.chain; };
            if (std::erase_if(marked, there) != exception.rules.size()) return false;
        }
        if (!marked.empty()) return false;
    }
    return true;
}

} // namespace vpn::server
