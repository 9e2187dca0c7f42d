#include "vpn-server/handover.hpp"

#include "common/config/fields.hpp"
#include "common/crypto/x25519.hpp"

namespace vpn::server {
namespace {

using config::Json;

/// None if an item is no T.
template <class T> std::optional<std::vector<T>> list_of(const Json& json, std::string_view key) {
    const Json* list = json.find(key);
    if (list == nullptr || list->as_array() == nullptr) return std::nullopt;
    std::vector<T> items;
    for (const Json& item : *list->as_array()) {
        const std::string* text = item.as_string();
        auto parsed = text != nullptr ? T::parse(*text) : std::nullopt;
        if (!parsed) return std::nullopt;
        items.push_back(std::move(*parsed));
    }
    return items;
}

} // namespace

CommandResult<void> check_endpoint(const config::ServerConfig& server, const std::string& file) {
    if (server.endpoint) return {};
    return refused(ExitCode::bad_configuration,
                   file + ": \"endpoint\" is missing: without it no peer knows how to reach this server");
}

Handover handover_of(const config::ServerConfig& server, const config::ServerPeer& peer) {
    return {.name = peer.name,
            .addresses = peer.addresses,
            .preshared_key = peer.preshared_key.clone(),
            .suite = peer.suite,
            .server_key = crypto::public_key_of(server.interface.private_key),
            .endpoint = server.endpoint.value_or(config::HostPort()),
            .server_addresses = server.interface.addresses,
            .dns = server.dns};
}

Json to_json(const Handover& handover) {
    return Json::object({{"name", handover.name},
                         {"addresses", config::text_list(handover.addresses)},
                         {"preshared_key", config::key_json(handover.preshared_key, {})},
                         {"suite", crypto::name_of(handover.suite)},
                         {"server_key", handover.server_key.to_string()},
                         {"endpoint", handover.endpoint.to_string()},
                         {"server_addresses", config::text_list(handover.server_addresses)},
                         {"dns", config::text_list(handover.dns)}});
}

std::optional<Handover> handover_from(const Json& json) {
    const auto name = json.string_at("name");
    auto addresses = list_of<Prefix>(json, "addresses");
    auto preshared_key = crypto::PresharedKey::parse(json.string_at("preshared_key").value_or(""));
    const auto suite = crypto::parse_suite(json.string_at("suite").value_or(""));
    const auto server_key = crypto::PublicKey::parse(json.string_at("server_key").value_or(""));
    auto endpoint = config::HostPort::parse(std::string(json.string_at("endpoint").value_or("")), Port{});
    auto server_addresses = list_of<Prefix>(json, "server_addresses");
    auto dns = list_of<IpAddress>(json, "dns");
    if (!name || !addresses || !preshared_key || !suite || !server_key || !endpoint || !server_addresses || !dns)
        return std::nullopt;
    return Handover{.name = std::string(*name),
                    .addresses = std::move(*addresses),
                    .preshared_key = std::move(*preshared_key),
                    .suite = *suite,
                    .server_key = *server_key,
                    .endpoint = std::move(*endpoint),
                    .server_addresses = std::move(*server_addresses),
                    .dns = std::move(*dns)};
}

} // namespace vpn::server
