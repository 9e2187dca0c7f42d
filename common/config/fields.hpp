// How both kinds of file are read: typed fields of JSON objects, unknown keys refused by name, the first fault kept with its
// line. Refuses to know: which fields there are.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/secret.hpp"
#include "common/config/error.hpp"
#include "common/config/json.hpp"
#include "common/config/keys.hpp"
#include "common/crypto/keys.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::config {

/// Keeps the first fault. Reading goes on with default values, and whoever began it looks at the end.
class Faults {
  public:
    void add(int line, std::string message) {
        if (!first_) first_ = ConfigError{"", line, std::move(message)};
    }
    /// The first fault of others, if there is one.
    void add(const Faults& others) {
        if (!first_) first_ = others.first_;
    }
    [[nodiscard]] bool any() const { return first_.has_value(); }
    /// Requires: any().
    [[nodiscard]] ConfigError take(std::string_view file);

  private:
    std::optional<ConfigError> first_;
};

/// One value of a file, under the name that messages give it.
struct Field {
    const Json& json;
    std::string_view name;
    Faults& faults;

    /// `NAME must be EXPECTED, found ...`. A found string is repeated only if `show`.
    void refuse(std::string_view expected, bool show = true) const;
    /// `NAME MESSAGE`
    void complain(std::string_view message) const;
};

/// An object whose keys are all known.
class Fields {
  public:
    /// `what` names the object in messages. Refuses a value of another kind and keys that are not in `known`.
    Fields(const Json& json, std::string_view what, std::span<const std::string_view> known, Faults& faults);

    [[nodiscard]] std::optional<Field> get(std::string_view key) const;
    /// The same, and refuses the object if the key is missing.
    [[nodiscard]] std::optional<Field> require(std::string_view key) const;

  private:
    const Json& json_;
    std::string_view what_;
    Faults& faults_;
};

/// Refuses anything but `"version": 1` in the outermost object, which may come from a future with other keys.
void require_version_1(const Json& json, Faults& faults);

/// Each refuses a value of another kind or out of range, and then gives a default.
std::string read_text(const Field& field, std::string_view expected);
bool read_bool(const Field& field);
std::int64_t read_integer(const Field& field, std::int64_t min, std::int64_t max);
Port read_port(const Field& field);
/// `"auto"` is empty.
std::optional<std::uint16_t> read_mtu(const Field& field);
IpAddress read_address(const Field& field);
Prefix read_prefix(const Field& field);
Suite read_suite(const Field& field);
std::string read_interface_name(const Field& field);
std::string read_peer_name(const Field& field);

/// Says that a list is longer than it may be.
void complain_of_length(const Field& list, std::size_t items, std::size_t most);

/// The items of an array of at most `most`, each read by `read`.
template <class Read> auto read_list(const Field& field, std::size_t most, Read read) {
    std::vector<decltype(read(field))> items;
    const Json::Array* array = field.json.as_array();
    if (array == nullptr) {
        field.refuse("an array");
    } else if (array->size() > most) {
        complain_of_length(field, array->size(), most);
    } else {
        items.reserve(array->size());
        for (const Json& item : *array) items.push_back(read(Field{item, field.name, field.faults}));
    }
    return items;
}

/// The text of a key: its own, or what stands in the file that `"file:/path"` names, whose path goes to `path`. Empty if refused.
std::string read_key_text(const Field& field, const KeyReader& read_key, std::string& path);

/// A key that never shows up in a message.
template <class Key> Key read_key(const Field& field, const KeyReader& reader, std::string& path) {
    std::string text = read_key_text(field, reader, path);
    auto key = Key::parse(text);
    if (!key && !text.empty())
        field.complain(path.empty() ? "must be a key of 44 characters of base64 or \"file:/path\", found " +
                                          std::to_string(text.size()) + " characters that are none"
                                    : "names a file that holds no key of 44 characters of base64");
    wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
    return key ? std::move(*key) : Key();
}

/// The inverse of reading a key. A secret one comes with `reveal`.
Json key_json(const crypto::PublicKey& key, const std::string& path);
template <class Tag> Json key_json(const crypto::SecretKey<Tag>& key, const std::string& path) {
    return path.empty() ? Json(key.reveal()) : Json("file:" + path);
}

/// Texts of values that know `to_string`, as an array.
template <class Items> Json text_list(const Items& items) {
    Json list = Json::array();
    for (const auto& item : items) list.push(item.to_string());
    return list;
}
Json mtu_json(std::optional<std::uint16_t> mtu);

/// The line of the value that `where` walks to (`peers[2].allowed_ips[0]`), or of the last one on the way that exists.
int line_at(const Json& json, std::string_view where);

} // namespace vpn::config
