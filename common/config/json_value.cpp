#include "common/base/secret.hpp"
#include "common/config/json.hpp"

namespace vpn::config {

Json::Json() = default;
Json::Json(std::nullptr_t) {}
Json::Json(double value) : value_(value) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(Boolean boolean) : value_(boolean.value) {}
Json::Json(Integer integer) : value_(integer.value) {}

Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() {
    if (auto* text = std::get_if<std::string>(&value_)) wipe(std::as_writable_bytes(std::span(text->data(), text->size())));
}

Json Json::array() { return array({}); }
Json Json::array(Array items) {
    Json json;
    json.value_ = std::move(items);
    return json;
}

Json Json::object() { return object({}); }
Json Json::object(Object members) {
    Json json;
    json.value_ = std::move(members);
    return json;
}

std::string_view Json::kind_name() const {
    switch (kind()) {
    case Kind::null: return "null";
    case Kind::boolean: return *as_bool() ? "true" : "false";
    case Kind::integer: return "a number";
    case Kind::real: return "a number that is no plain integer";
    case Kind::string: return "a string";
    case Kind::array: return "an array";
    case Kind::object: return "an object";
    }
    return "nothing";
}

std::optional<bool> Json::as_bool() const {
    const auto* value = std::get_if<bool>(&value_);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Json::as_integer() const {
    const auto* value = std::get_if<std::int64_t>(&value_);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<double> Json::as_real() const {
    if (const auto* value = std::get_if<double>(&value_)) return *value;
    const auto integer = as_integer();
    return integer ? std::optional(static_cast<double>(*integer)) : std::nullopt;
}

const Json* Json::find(std::string_view key) const {
    const Object* members = as_object();
    if (members == nullptr) return nullptr;
    for (const Member& member : *members)
        if (member.key == key) return &member.value;
    return nullptr;
}

std::optional<std::string_view> Json::string_at(std::string_view key) const {
    const Json* value = find(key);
    const std::string* text = value != nullptr ? value->as_string() : nullptr;
    return text != nullptr ? std::optional<std::string_view>(*text) : std::nullopt;
}

std::optional<std::int64_t> Json::integer_at(std::string_view key) const {
    const Json* value = find(key);
    return value != nullptr ? value->as_integer() : std::nullopt;
}

std::optional<bool> Json::bool_at(std::string_view key) const {
    const Json* value = find(key);
    return value != nullptr ? value->as_bool() : std::nullopt;
}

Json& Json::set(std::string key, Json value) {
    if (is_null()) value_ = Object{};
    auto& members = std::get<Object>(value_);
    for (Member& member : members) {
        if (member.key != key) continue;
        member.value = std::move(value);
        return *this;
    }
    members.push_back({std::move(key), std::move(value), 0});
    return *this;
}

void Json::append(Member member) { std::get<Object>(value_).push_back(std::move(member)); }

Json& Json::push(Json value) {
    if (is_null()) value_ = Array{};
    std::get<Array>(value_).push_back(std::move(value));
    return *this;
}

bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

} // namespace vpn::config
