#include "vpn-server/status_text.hpp"

#include "common/config/peer_limits.hpp"
#include "common/system/escape.hpp"
#include "vpn-server/table.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace vpn::server {
namespace {

using config::Json;
using system::Colour;

const Json::Array& list_at(const Json& json, std::string_view key) {
    static const Json::Array none;
    const Json* list = json.find(key);
    return list != nullptr && list->as_array() != nullptr ? *list->as_array() : none;
}

std::string text_at(const Json& json, std::string_view key, std::string_view otherwise = "-") {
    return system::escaped(json.string_at(key).value_or(otherwise));
}

/// The addresses without the lengths that a single host has anyway.
std::string joined(const Json::Array& items) {
    std::string text;
    for (const Json& item : items) {
        const std::string* value = item.as_string();
        if (value == nullptr) continue;
        std::string_view shown = *value;
        if (shown.ends_with("/32") || shown.ends_with("/128")) shown = shown.substr(0, shown.rfind('/'));
        text += (text.empty() ? "" : ", ") + system::escaped(shown);
    }
    return text.empty() ? "-" : text;
}

std::string bytes_at(const Json& peer, std::string_view key) {
    return system::format_bytes(ByteCount{static_cast<std::uint64_t>(peer.integer_at(key).value_or(0))});
}

std::string age_of(const Json& peer) {
    const auto age = peer.integer_at("handshake_age");
    return age ? system::format_age(std::chrono::seconds(*age)) : "never";
}

Cell state_of(const Json& peer) {
    const std::string state = text_at(peer, "state");
    if (state == "disabled" || peer.bool_at("disabled").value_or(false)) return {"disabled", Colour::dim};
    if (state == "expired" || state == "over-quota") return {state, Colour::yellow};
    if (peer.bool_at("online").value_or(false)) return {"online", Colour::green};
    return {"offline", Colour::plain};
}

/// `2027-01-01T00:00:00Z` in the words of a sentence.
std::string readable(std::string instant) {
    if (instant.size() != 20) return instant;
    instant[10] = ' ';
    instant.replace(19, 1, " UTC");
    return instant;
}

/// `3.2 GB of 100GB`, or a dash.
std::string quota_of(const Json& peer) {
    const auto quota = peer.integer_at("quota");
    if (!quota) return "-";
    return bytes_at(peer, "quota_used") + " of " + bytes_at(peer, "quota");
}

std::string rate_of(const Json& peer) {
    const auto rate = peer.integer_at("rate");
    return rate ? config::format_rate(BitRate{static_cast<std::uint64_t>(*rate)}) : "-";
}

/// Columns that only some servers need.
struct LimitColumn {
    std::string_view key;
    const char* title;
    std::string (*text)(const Json& peer);
};
constexpr std::array<LimitColumn, 4> limit_columns{
    LimitColumn{"server_key", "SERVER KEY", [](const Json& peer) { return text_at(peer, "server_key"); }},
    LimitColumn{"expires", "EXPIRES", [](const Json& peer) { return readable(text_at(peer, "expires")); }},
    LimitColumn{"quota", "QUOTA", quota_of}, LimitColumn{"rate", "RATE", rate_of}};

std::vector<LimitColumn> columns_for(const Json::Array& peers) {
    std::vector<LimitColumn> columns;
    for (const LimitColumn& column : limit_columns)
        if (std::any_of(peers.begin(), peers.end(), [&](const Json& peer) {
                const Json* limit = peer.find(column.key);
                return limit != nullptr && !limit->is_null();
            }))
            columns.push_back(column);
    return columns;
}

Row peer_row(const Json& peer) {
    return {{text_at(peer, "name"), Colour::bold},
            state_of(peer),
            {readable(text_at(peer, "online_since"))},
            {age_of(peer)},
            {text_at(peer, "endpoint")},
            {joined(list_at(peer, "addresses"))},
            {bytes_at(peer, "received")},
            {bytes_at(peer, "sent")}};
}

std::size_t online_count(const Json::Array& peers) {
    std::size_t count = 0;
    for (const Json& peer : peers) count += peer.bool_at("online").value_or(false) ? 1 : 0;
    return count;
}

/// Of the server or of a peer; empty if nothing was dropped.
std::string drops_text(const Json& json) {
    std::string text;
    const Json* drops = json.find("drops");
    if (drops == nullptr || drops->as_object() == nullptr) return text;
    for (const auto& [reason, count, line] : *drops->as_object())
        if (const auto number = count.as_integer(); number && *number > 0)
            text += (text.empty() ? "" : ", ") + system::escaped(reason) + ' ' + std::to_string(*number);
    return text;
}

bool has_slow_peer(const Json::Array& peers) {
    return std::ranges::any_of(peers, [](const Json& peer) { return peer.bool_at("suite_is_slow").value_or(false); });
}

/// What is known of the old key while it answers too; empty if only one does.
std::string old_key_text(const Json& status) {
    const Json* old = status.find("old_key");
    if (old == nullptr || old->is_null()) return {};
    return text_at(*old, "public_key") + " answers too until " + readable(text_at(*old, "expires"));
}

/// Exceptions in other firewalls, and what those drop all the same, each with the command that lets it through.
void add_firewalls(std::vector<Row>& facts, const Json& status) {
    for (const Json& place : list_at(status, "firewall_exceptions"))
        if (const std::string* chain = place.as_string()) facts.push_back({{"exception in"}, {system::escaped(*chain)}});
    for (const Json& obstacle : list_at(status, "firewall_obstacles"))
        facts.push_back(
            {{text_at(obstacle, "firewall") + " drops"},
             {text_at(obstacle, "drops") + " (" + text_at(obstacle, "chain") + "): run " + text_at(obstacle, "command"),
              Colour::yellow}});
    if (const auto trouble = status.string_at("firewall_trouble"))
        facts.push_back({{"other firewalls"}, {"not known: " + system::escaped(*trouble), Colour::yellow}});
}

/// Whose packets died of what, a line a peer.
std::string dropped_by_peer(const Json::Array& peers, bool colour) {
    std::vector<Row> rows{{{"DROPPED", Colour::dim}, {"REASONS", Colour::dim}}};
    for (const Json& peer : peers)
        if (std::string drops = drops_text(peer); !drops.empty())
            rows.push_back({{text_at(peer, "name"), Colour::bold}, {std::move(drops), Colour::yellow}});
    return rows.size() == 1 ? "" : '\n' + format_table(rows, colour);
}

} // namespace

std::string status_text(const Json& status, bool colour) {
    const Json::Array& peers = list_at(status, "peers");
    const auto uptime = std::chrono::seconds(status.integer_at("uptime").value_or(0));
    std::string text = system::coloured("running", Colour::green, colour) + " on " + text_at(status, "interface") + " since " +
                       readable(text_at(status, "since")) + " (" + system::format_duration(uptime) + ")\n";
    std::vector<Row> facts{
        {{"port"}, {std::to_string(status.integer_at("port").value_or(0))}},
        {{"public key"}, {text_at(status, "public_key")}},
        {{"MTU"}, {std::to_string(status.integer_at("mtu").value_or(0))}},
        {{"configuration"}, {text_at(status, "config")}},
        {{"peers"}, {std::to_string(online_count(peers)) + " of " + std::to_string(peers.size()) + " online"}}};
    if (std::string old = old_key_text(status); !old.empty())
        facts.insert(facts.begin() + 2, {{"old key"}, {old + ": see `vpn-server key`", Colour::yellow}});
    if (has_slow_peer(peers))
        facts.push_back({{"suite hybrid"},
                         {"slow here: this machine has no AES instructions; --suite wireguard is faster, without protection from "
                          "quantum computers",
                          Colour::yellow}});
    if (std::string drops = drops_text(status); !drops.empty())
        facts.push_back({{"dropped"}, {std::move(drops), Colour::yellow}});
    add_firewalls(facts, status);
    text += format_table(facts, colour);
    return peers.empty() ? text : text + '\n' + peers_text(status, colour) + dropped_by_peer(peers, colour);
}

std::string keys_text(const Json& keys, bool colour) {
    std::vector<Row> facts{{{"public key"}, {text_at(keys, "public_key")}}};
    const std::string old = old_key_text(keys);
    if (old.empty()) return "one key answers\n" + format_table(facts, colour);
    const Json::Array& used_by = list_at(*keys.find("old_key"), "used_by");
    const Json::Array& not_seen = list_at(*keys.find("old_key"), "not_seen");
    facts.push_back({{"old key"}, {old}});
    if (!used_by.empty()) facts.push_back({{"used by"}, {joined(used_by), Colour::yellow}});
    if (!not_seen.empty()) facts.push_back({{"not seen yet"}, {joined(not_seen)}});
    const std::string verdict = !used_by.empty()
                                    ? std::to_string(used_by.size()) + " of the peers that were seen still used the old one"
                                : !not_seen.empty() ? "no peer that was seen uses the old one any more"
                                                    : "no peer uses the old one any more: `vpn-server rekey --end` ends it";
    return "two keys answer; " + verdict + '\n' + format_table(facts, colour);
}

std::string peers_text(const Json& status, bool colour) {
    const Json::Array& peers = list_at(status, "peers");
    if (peers.empty()) return "no peers\n";
    Row head;
    for (const char* title : {"NAME", "STATE", "SINCE", "LAST HANDSHAKE", "ENDPOINT", "ADDRESSES", "RECEIVED", "SENT"})
        head.push_back({title, Colour::dim});
    const std::vector<LimitColumn> limits = columns_for(peers);
    for (const LimitColumn& column : limits) head.push_back({column.title, Colour::dim});
    std::vector<Row> rows{std::move(head)};
    for (const Json& peer : peers) {
        rows.push_back(peer_row(peer));
        for (const LimitColumn& column : limits) rows.back().push_back({column.text(peer)});
    }
    return format_table(rows, colour);
}

std::string peer_text(const Json& peer) {
    const bool has_preshared_key = peer.bool_at("has_preshared_key").value_or(false);
    const bool slow = peer.bool_at("suite_is_slow").value_or(false);
    const std::string drops = drops_text(peer);
    return format_table({{{"name"}, {text_at(peer, "name")}},
                         {{"state"}, {state_of(peer).text}},
                         {{"public key"}, {text_at(peer, "public_key")}},
                         {{"server key"}, {text_at(peer, "server_key")}},
                         {{"preshared key"}, {has_preshared_key ? "yes" : "no"}},
                         {{"suite"}, {text_at(peer, "suite") + (slow ? " (slow: this machine has no AES instructions)" : "")}},
                         {{"addresses"}, {joined(list_at(peer, "addresses"))}},
                         {{"networks behind"}, {joined(list_at(peer, "allowed_ips"))}},
                         {{"endpoint"}, {text_at(peer, "endpoint")}},
                         {{"online since"}, {readable(text_at(peer, "online_since"))}},
                         {{"last handshake"}, {age_of(peer)}},
                         {{"received"}, {bytes_at(peer, "received")}},
                         {{"sent"}, {bytes_at(peer, "sent")}},
                         {{"expires"}, {readable(text_at(peer, "expires", "never"))}},
                         {{"quota"}, {quota_of(peer)}},
                         {{"rate"}, {rate_of(peer)}},
                         {{"dropped"}, {drops.empty() ? "-" : drops}}},
                        false);
}

const Json* find_peer(const Json& status, std::string_view name) {
    for (const Json& peer : list_at(status, "peers"))
        if (peer.string_at("name") == name) return &peer;
    return nullptr;
}

} // namespace vpn::server
