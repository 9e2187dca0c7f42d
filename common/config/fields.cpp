#include "common/config/fields.hpp"

#include "common/config/names.hpp"

#include <algorithm>

namespace vpn::config {
namespace {

constexpr std::string_view whitespace = " \t\r\n";

std::string found_text(const Json& json, bool show) {
    if (const std::string* text = json.as_string(); text != nullptr && show) return quote(*text);
    const auto integer = json.as_integer();
    return integer ? std::to_string(*integer) : std::string(json.kind_name());
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(whitespace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(whitespace) - first + 1);
}

} // namespace

ConfigError Faults::take(std::string_view file) {
    ConfigError error = std::move(*first_);
    first_.reset();
    error.file = file;
    return error;
}

void Field::refuse(std::string_view expected, bool show) const {
    complain("must be " + std::string(expected) + ", found " + found_text(json, show));
}

void Field::complain(std::string_view message) const {
    faults.add(json.line(), '"' + std::string(name) + "\" " + std::string(message));
}

Fields::Fields(const Json& json, std::string_view what, std::span<const std::string_view> known, Faults& faults)
    : json_(json), what_(what), faults_(faults) {
    if (json.as_object() == nullptr) {
        faults.add(json.line(), std::string(what) + " must be an object, found " + found_text(json, true));
        return;
    }
    for (const Json::Member& member : *json.as_object()) {
        if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
        faults.add(member.line, "unknown key " + quote(member.key) + " in " + std::string(what) + suggestion(member.key, known));
    }
}

std::optional<Field> Fields::get(std::string_view key) const {
    const Json* value = json_.find(key);
    return value != nullptr ? std::optional<Field>({*value, key, faults_}) : std::nullopt;
}

std::optional<Field> Fields::require(std::string_view key) const {
    auto field = get(key);
    if (!field) faults_.add(json_.line(), '"' + std::string(key) + "\" is missing in " + std::string(what_));
    return field;
}

void require_version_1(const Json& json, Faults& faults) {
    if (json.as_object() == nullptr) return;
    const Json* version = json.find("version");
    if (version == nullptr) return faults.add(json.line(), "\"version\" is missing, expected \"version\": 1");
    if (version->as_integer() != 1) Field{*version, "version", faults}.refuse("1, the only version that this program knows");
}

void complain_of_length(const Field& list, std::size_t items, std::size_t most) {
    list.complain("has " + std::to_string(items) + " items, more than " + std::to_string(most));
}

std::string read_text(const Field& field, std::string_view expected) {
    const std::string* text = field.json.as_string();
    if (text == nullptr) field.refuse(expected);
    return text != nullptr ? *text : "";
}

bool read_bool(const Field& field) {
    const auto value = field.json.as_bool();
    if (!value) field.refuse("true or false");
    return value.value_or(false);
}

std::int64_t read_integer(const Field& field, std::int64_t min, std::int64_t max) {
    const auto value = field.json.as_integer();
    if (value && *value >= min && *value <= max) return *value;
    field.refuse("a number from " + std::to_string(min) + " to " + std::to_string(max));
    return min;
}

Port read_port(const Field& field) { return Port{static_cast<std::uint16_t>(read_integer(field, 1, 65535))}; }

std::optional<std::uint16_t> read_mtu(const Field& field) {
    if (const std::string* text = field.json.as_string(); text != nullptr && *text == "auto") return std::nullopt;
    const auto value = field.json.as_integer();
    if (value && *value >= 576 && *value <= 65535) return static_cast<std::uint16_t>(*value);
    field.refuse("\"auto\" or a number from 576 to 65535");
    return std::nullopt;
}

IpAddress read_address(const Field& field) {
    const std::string* text = field.json.as_string();
    const auto address = text != nullptr ? IpAddress::parse(*text) : std::nullopt;
    if (!address) field.refuse("an IP address such as \"10.66.0.1\" or \"fd66::1\"");
    return address.value_or(IpAddress());
}

Prefix read_prefix(const Field& field) {
    const std::string* text = field.json.as_string();
    const auto prefix = text != nullptr ? Prefix::parse(*text) : std::nullopt;
    if (!prefix) field.refuse("an IP prefix such as \"10.66.0.0/24\" or \"fd66::/64\"");
    return prefix.value_or(Prefix());
}

Suite read_suite(const Field& field) {
    const std::string* text = field.json.as_string();
    const auto suite = text != nullptr ? crypto::parse_suite(*text) : std::nullopt;
    if (!suite) field.refuse("\"hybrid\" or \"wireguard\"");
    return suite.value_or(Suite::wireguard);
}

std::string read_interface_name(const Field& field) {
    const std::string* text = field.json.as_string();
    if (text != nullptr && is_interface_name(*text)) return *text;
    field.refuse(interface_name_rule);
    return {};
}

std::string read_peer_name(const Field& field) {
    const std::string* text = field.json.as_string();
    if (text != nullptr && is_peer_name(*text)) return *text;
    field.refuse(peer_name_rule);
    return {};
}

std::string read_key_text(const Field& field, const KeyReader& read_key, std::string& path) {
    constexpr std::string_view scheme = "file:";
    const std::string* text = field.json.as_string();
    if (text == nullptr || text->empty()) {
        field.refuse("a key of 44 characters of base64 or \"file:/path\"");
        return {};
    }
    if (!text->starts_with(scheme)) return *text;
    path = text->substr(scheme.size());
    if (!path.starts_with('/') || path.size() > 4095 || path.find('\0') != std::string::npos) {
        field.complain("must name its file by an absolute path, as in \"file:/etc/vpn/key\", found " + quote(*text));
        return {};
    }
    if (!read_key) {
        field.complain("names a file, but keys in other files are not read here");
        return {};
    }
    auto contents = read_key(path);
    if (!contents) {
        field.complain("can't be read: " + contents.error().message);
        return {};
    }
    std::string key(trimmed(*contents));
    wipe(std::as_writable_bytes(std::span(contents->data(), contents->size())));
    if (key.empty()) field.complain("names a file that is empty");
    return key;
}

Json key_json(const crypto::PublicKey& key, const std::string& path) { return path.empty() ? key.to_string() : "file:" + path; }

Json mtu_json(std::optional<std::uint16_t> mtu) { return mtu ? Json(*mtu) : Json("auto"); }

int line_at(const Json& json, std::string_view where) {
    const Json* here = &json;
    while (!where.empty()) {
        const bool item = where.front() == '[';
        if (item || where.front() == '.') where.remove_prefix(1);
        const std::size_t end = std::min(where.find_first_of(item ? "]" : ".["), where.size());
        const std::string_view step = where.substr(0, end);
        where.remove_prefix(std::min(end + (item ? 1 : 0), where.size()));
        const Json* next = nullptr;
        if (const Json::Array* array = here->as_array(); item && array != nullptr) {
            const auto index = parse_decimal(step, 0xffffffffU);
            if (index && *index < array->size()) next = &(*array)[*index];
        } else if (!item) {
            next = here->find(step);
        }
        if (next == nullptr) break;
        here = next;
    }
    return here->line();
}

} // namespace vpn::config
