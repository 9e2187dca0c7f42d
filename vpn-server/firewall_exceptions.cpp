#include "vpn-server/firewall_exceptions.hpp"

#include "vpn-server/legacy_table.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

namespace vpn::server {
namespace {

constexpr std::array families{Family::v4, Family::v6};

using Read = Result<std::optional<system::Xtable>>;

/// None: it could not be read. Zero: there is none.
std::optional<std::size_t> hash_of(const Read& read) {
    if (!read) return std::nullopt;
    if (!*read) return 0;
    const Bytes bytes = (*read)->entries;
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_of(const Obstacle& obstacle, Family family) { return obstacle.chain.starts_with(legacy_family(family)); }

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
    for (std::size_t i = 0; i < families.size(); ++i) {
        const Read read = system::read_xtable(families[i]);
        seen.hashes[i] = hash_of(read);
        if (!read) seen.trouble = read.error().message;
        if (!read || !*read) continue;
        auto table = legacy_table(**read);
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
    OtherFirewalls seen;
    std::vector<ForeignTable> tables;
    if (auto looked = follow_nftables(config, uplinks, seen))
        tables = std::move(*looked);
    else
        seen.trouble = looked.error().message;
    for (const Exception& exception : made_) seen.exceptions.push_back(exception.place());
    LegacyTables legacy = look_at_legacy_tables();
    if (seen.trouble.empty()) seen.trouble = legacy.trouble;
    std::ranges::move(legacy.tables, std::back_inserter(tables));
    seen.obstacles = find_obstacles(config, uplinks, tables);
    for (std::size_t i = 0; i < families.size(); ++i) {
        if (legacy.hashes[i]) {
            legacy_hashes_[i] = *legacy.hashes[i];
            continue;
        }
        for (const Obstacle& before : seen_.obstacles)
            if (is_of(before, families[i])) seen.obstacles.push_back(before);
    }
    seen_ = std::move(seen);
}

Result<std::vector<ForeignTable>> FirewallExceptions::follow_nftables(const config::ServerConfig& config, const Uplinks& uplinks,
                                                                      OtherFirewalls& seen) {
    if (!nftables_) return tl::unexpected(nftables_.error());
    auto tables = look_at_tables(*nftables_, table_);
    if (!tables) return tables;
    std::vector<Exception> wanted = plan_exceptions(config, uplinks, *tables);
    if (stands(wanted, *tables)) return tables;
    const std::string commands = exception_commands(mark_, *tables, wanted);
    const auto applied = commands.empty() ? Result<void>() : nftables_->apply(commands);
    if (applied)
        made_ = std::move(wanted);
    else
        seen.trouble = applied.error().message;
    return look_at_tables(*nftables_, table_);
}

bool FirewallExceptions::legacy_tables_changed() const {
    for (std::size_t i = 0; i < families.size(); ++i) {
        const auto hash = hash_of(system::read_xtable(families[i]));
        if (hash && *hash != legacy_hashes_[i]) return true;
    }
    return false;
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
