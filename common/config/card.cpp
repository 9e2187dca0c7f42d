#include "common/config/card.hpp"

#include "common/config/fields.hpp"

#include <array>

namespace vpn::config {
namespace {

constexpr std::array<std::string_view, 3> card_keys{"version", "name", "public_key"};
constexpr std::array<std::string_view, 2> waiting_keys{"version", "interface"};
constexpr std::array<std::string_view, 1> interface_keys{"private_key"};

/// `read` takes the JSON and where to put its faults.
template <class Read>
auto decode(std::string_view text, std::string_view file, Read read) -> Parsed<decltype(read(Json(), std::declval<Faults&>()))> {
    auto json = parse(text);
    if (!json) {
        json.error().file = file;
        return tl::unexpected(std::move(json.error()));
    }
    Faults faults;
    require_version_1(*json, faults);
    auto value = read(*json, faults);
    if (faults.any()) return tl::unexpected(faults.take(file));
    return value;
}

} // namespace

Parsed<Card> decode_card(std::string_view text, std::string_view file) {
    return decode(text, file, [](const Json& json, Faults& faults) {
        const Fields fields(json, "the card", card_keys, faults);
        Card card;
        std::string nowhere;
        if (const auto name = fields.require("name")) card.name = read_peer_name(*name);
        if (const auto key = fields.require("public_key")) card.public_key = read_key<crypto::PublicKey>(*key, {}, nowhere);
        return card;
    });
}

std::string encode(const Card& card) {
    const Json json = Json::object({{"version", 1}, {"name", card.name}, {"public_key", card.public_key.to_string()}});
    return format(json, Layout::pretty) + '\n';
}

Parsed<crypto::PrivateKey> decode_waiting_key(std::string_view text, std::string_view file) {
    return decode(text, file, [](const Json& json, Faults& faults) {
        const Fields fields(json, "the file", waiting_keys, faults);
        crypto::PrivateKey private_key;
        std::string nowhere;
        const auto interface = fields.require("interface");
        if (!interface) return private_key;
        const Fields inner(interface->json, "\"interface\"", interface_keys, faults);
        if (const auto key = inner.require("private_key")) private_key = read_key<crypto::PrivateKey>(*key, {}, nowhere);
        return private_key;
    });
}

std::string encode_waiting_key(const crypto::PrivateKey& key) {
    Json interface = Json::object();
    interface.set("private_key", key_json(key, ""));
    Json json = Json::object();
    json.set("version", 1).set("interface", std::move(interface));
    return format(json, Layout::pretty) + '\n';
}

} // namespace vpn::config
