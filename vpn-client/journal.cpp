#include "vpn-client/journal.hpp"

#include "common/config/json.hpp"
#include "common/system/files.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/network_plan.hpp"

namespace vpn::client {
namespace {

using config::Json;

std::optional<Family> family_from(const Json& json) {
    const std::string* name = json.as_string();
    if (name == nullptr) return std::nullopt;
    if (*name == "ipv4") return Family::v4;
    if (*name == "ipv6") return Family::v6;
    return std::nullopt;
}

} // namespace

std::string encode(const Journal& journal) {
    Json families = Json::array();
    for (const Family family : journal.rule_families) families.push(family == Family::v4 ? "ipv4" : "ipv6");
    Json json = Json::object({{"version", 1},
                              {"name", journal.name},
                              {"slot", journal.slot ? Json(*journal.slot) : Json()},
                              {"rule_families", std::move(families)},
                              {"firewall_table", journal.firewall_table},
                              {"valid_mark_before", journal.valid_mark_before}});
    return format(json) + '\n';
}

std::optional<Journal> decode_journal(std::string_view text) {
    const auto json = config::parse(text);
    if (!json || json->integer_at("version") != 1) return std::nullopt;
    const auto name = json->string_at("name");
    const auto table = json->string_at("firewall_table");
    const auto before = json->string_at("valid_mark_before");
    const Json* families = json->find("rule_families");
    if (!name || !table || !before || families == nullptr || families->as_array() == nullptr) return std::nullopt;
    Journal journal{std::string(*name), std::nullopt, {}, std::string(*table), std::string(*before)};
    if (const auto slot = json->integer_at("slot")) {
        if (*slot < 0 || *slot >= slots) return std::nullopt;
        journal.slot = static_cast<unsigned>(*slot);
    }
    for (const Json& item : *families->as_array())
        if (const auto family = family_from(item)) journal.rule_families.push_back(*family);
    return journal;
}

Result<void> write_journal(const Journal& journal) {
    auto written = system::write_private_file(journal_path(journal.name), encode(journal));
    if (!written) return failed(written.error().message);
    return {};
}

void remove_journal(std::string_view name) { static_cast<void>(system::remove_file(journal_path(name))); }

std::optional<Journal> read_journal(const std::string& name) {
    const auto text = system::read_private_file(journal_path(name));
    return text ? decode_journal(*text) : std::nullopt;
}

std::vector<Journal> read_journals() {
    std::vector<Journal> journals;
    for (const std::string& name : connections_with_files())
        if (auto journal = read_journal(name)) journals.push_back(std::move(*journal));
    return journals;
}

std::vector<system::Rule> rules_of(const Journal& journal) {
    std::vector<system::Rule> rules;
    if (!journal.slot) return rules;
    for (const Family family : journal.rule_families) {
        for (const unsigned place : {0U, 1U}) {
            system::Rule rule;
            rule.family = family;
            rule.priority = priority_of(*journal.slot) + place;
            rule.table = place == 0 ? system::main_table : table_of(*journal.slot);
            rules.push_back(rule);
        }
    }
    return rules;
}

} // namespace vpn::client
