// JSON (RFC 8259) as a small value: objects keep their order, and every value knows the line that it stood on.
// The files people write, the status that programs print and the messages on control sockets are all made of it.
// Refuses to know: what any key means, and the library that does the reading (json.cpp alone includes it).
#pragma once

#include "common/config/error.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vpn::config {

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

/// A JSON value. Strings may be keys, so each is wiped when its value goes.
class Json {
  public:
    struct Member;
    using Array = std::vector<Json>;
    using Object = std::vector<Member>;
    enum class Kind : std::uint8_t { null, boolean, integer, real, string, array, object };

    Json();
    Json(std::nullptr_t);
    Json(double value);
    Json(std::string value);
    Json(std::string_view value);
    Json(const char* value);
    /// Exactly bool: nothing turns into one on the way.
    template <std::same_as<bool> T> Json(T value) : Json(Boolean{value}) {}
    /// Values over the largest int64 become that.
    template <WholeNumber T> Json(T value) : Json(Integer{clamped(value)}) {}

    Json(const Json& other);
    Json(Json&& other) noexcept;
    Json& operator=(const Json& other);
    Json& operator=(Json&& other) noexcept;
    ~Json();

    /// `Json::array({1, "two"})`
    static Json array(Array items);
    static Json array();
    /// `Json::object({{"a", 1}, {"b", true}})`. Requires: no key twice.
    static Json object(Object members);
    static Json object();

    [[nodiscard]] Kind kind() const { return static_cast<Kind>(value_.index()); }
    /// `a string`, `an object`, ... for messages.
    [[nodiscard]] std::string_view kind_name() const;
    /// Counted from 1; zero if it was not read from a text. For an object or array: of its opening bracket.
    [[nodiscard]] int line() const { return line_; }
    Json& at_line(int line) {
        line_ = line;
        return *this;
    }

    [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
    /// Each is empty for a value of another kind; `as_real` takes integers too.
    [[nodiscard]] std::optional<bool> as_bool() const;
    [[nodiscard]] std::optional<std::int64_t> as_integer() const;
    [[nodiscard]] std::optional<double> as_real() const;
    [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&value_); }
    [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&value_); }
    [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&value_); }

    /// The member's value; null if there is none or this is no object. Linear.
    [[nodiscard]] const Json* find(std::string_view key) const;
    /// The same, if it is of that kind. The view lives as long as this value.
    [[nodiscard]] std::optional<std::string_view> string_at(std::string_view key) const;
    [[nodiscard]] std::optional<std::int64_t> integer_at(std::string_view key) const;
    [[nodiscard]] std::optional<bool> bool_at(std::string_view key) const;

    /// Adds a member behind the others, or replaces its value. Requires: an object, or null, which becomes one.
    Json& set(std::string key, Json value);
    /// The same, quickly. Requires: an object that has no such key.
    void append(Member member);
    /// Adds an item at the end. Requires: an array, or null, which becomes one.
    Json& push(Json value);

    /// Compares values and the order of members, not lines.
    friend bool operator==(const Json& a, const Json& b);

  private:
    struct Integer {
        std::int64_t value;
    };
    struct Boolean {
        bool value;
    };
    explicit Json(Integer integer);
    explicit Json(Boolean boolean);
    template <WholeNumber T> static constexpr std::int64_t clamped(T value) {
        constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
        return std::cmp_greater(value, largest) ? largest : static_cast<std::int64_t>(value);
    }

    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
    int line_ = 0;
};

struct Json::Member {
    std::string key;
    Json value;
    /// Of the key.
    int line = 0;
    friend bool operator==(const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; }
};

/// What a text may cost its reader.
struct JsonLimits {
    std::size_t bytes = std::size_t{16} << 20U;
    std::size_t depth = 16;
    std::size_t values = 1'000'000;

    /// For one line on a control socket.
    static constexpr JsonLimits message() { return {.bytes = std::size_t{64} << 10U, .depth = 16, .values = 10'000}; }
    /// For a server's file with 100,000 peers.
    static constexpr JsonLimits large() { return {.bytes = std::size_t{128} << 20U, .depth = 16, .values = 4'000'000}; }
};

/// Reads exactly one value. Refuses duplicate keys, NUL bytes, invalid UTF-8, comments, trailing text, numbers outside int64
/// or double, and what is over the limits. The error names the line and never repeats the value of a string; `file` is empty.
Parsed<Json> parse(std::string_view text, const JsonLimits& limits = {});

/// A list that is too long to be held as values: the items of the array under `key` in the outermost object.
struct JsonItems {
    std::string_view key;
    std::function<void(const Json& item)> take;
};
/// The same, but such items go to `items.take`, one after the other, and the array stays empty. Some may be taken from a text
/// that turns out to be faulty later on.
Parsed<Json> parse(std::string_view text, const JsonLimits& limits, const JsonItems& items);

enum class Layout : std::uint8_t { one_line, pretty };

/// As text, without a newline at the end. Everything but printable ASCII and valid UTF-8 is escaped; invalid UTF-8 becomes
/// U+FFFD; numbers that JSON can't write become null. `pretty` indents by two and keeps short arrays on one line.
std::string format(const Json& json, Layout layout = Layout::one_line);

/// An object that is written member by member, and never held. Requires: at least one member, and no key twice.
class JsonMembers {
  public:
    JsonMembers() = default;
    JsonMembers(const JsonMembers&) = delete;
    JsonMembers& operator=(const JsonMembers&) = delete;
    virtual ~JsonMembers() = default;
    virtual void text(std::string_view key, std::string_view value) = 0;
    virtual void texts(std::string_view key, const std::vector<std::string>& values) = 0;
    virtual void boolean(std::string_view key, bool value) = 0;
};
/// A list of objects that is too long to be held: `write` writes each in its turn.
struct JsonList {
    std::string_view key;
    std::size_t size = 0;
    std::function<void(std::size_t index, JsonMembers& out)> write;
};
/// The same of an object, pretty, with one member more behind the others: the list. Requires: an object with other keys.
std::string format_with(const Json& object, const JsonList& list);

} // namespace vpn::config
