// The only file that includes nlohmann/json. It reads through that library's event interface, with an iterator that counts
// lines as the lexer takes characters, so that every value and every error knows where it stood.
#include "common/config/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <unordered_set>

namespace vpn::config {
namespace {

using Library = nlohmann::json;

/// Where the lexer is: at the last character that it took.
struct Position {
    int line = 1;
    char last = '\0';

    void take(char c) {
        // Counting a newline only when the next character comes keeps a number on its line: to find its end, the lexer takes
        // one character more than it has.
        if (last == '\n') ++line;
        last = c;
    }
};

/// Walks over the text and tells a Position. Copies share it; the lexer moves only one of them.
class CountingIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, Position& position) : at_(at), position_(&position) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++() {
        position_->take(*at_);
        ++at_;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }

  private:
    const char* at_;
    Position* position_;
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// What the lexer stumbled over, from the library's message. Never the file's own words: they may be a key.
std::string found_in(std::string_view what, char last) {
    if (has(what, "unexpected end of input")) return "the end of the text";
    if (has(what, "unexpected string literal")) return "a string";
    if (has(what, "unexpected number literal")) return "a number";
    for (const std::string_view token : {"'['", "']'", "'{'", "'}'", "':'", "','"})
        if (has(what, std::string("unexpected ").append(token))) return std::string(token);
    for (const std::string_view word : {"true", "false", "null"})
        if (has(what, "unexpected " + std::string(word) + " literal")) return std::string(word);
    if (last == '/' || last == '#') return "'" + std::string(1, last) + "' (JSON has no comments)";
    if (last == '\'') return "a single quote (JSON wants double quotes)";
    return "something that is not JSON";
}

/// A string or number that is wrong in itself, or empty.
std::string_view lexical_fault(std::string_view what) {
    if (has(what, "missing closing quote")) return "a string has no closing quote";
    if (has(what, "(LF) must be escaped") || has(what, "(CR) must be escaped"))
        return "a string has no closing quote on its line";
    if (has(what, "control character")) return "a string holds a control character, which must be written as \\u00XX";
    if (has(what, "ill-formed UTF-8")) return "a string is not valid UTF-8";
    if (has(what, "after backslash")) return "a string holds a backslash that escapes nothing";
    if (has(what, "'\\u' must be followed") || has(what, "surrogate")) return "a string holds a malformed \\u escape";
    if (has(what, "invalid number")) return "malformed number";
    if (has(what, "number overflow")) return "number out of range";
    if (has(what, "invalid BOM")) return "malformed byte order mark";
    return {};
}

/// `finished`: the outermost value is complete.
std::string explain(std::string_view what, char last, bool finished) {
    what = what.substr(0, what.find("; last read: '")); // what follows is the file's own text
    if (const std::string_view fault = lexical_fault(what); !fault.empty()) return std::string(fault);
    std::string expected = "a value";
    if (has(what, "while parsing object key")) expected = "a key in double quotes";
    if (has(what, "while parsing object separator")) expected = "':' after the key";
    if (has(what, "while parsing object -")) expected = "',' or '}' after the value";
    if (has(what, "while parsing array")) expected = "',' or ']' after the value";
    if (finished) expected = "nothing more after the outermost value";
    const std::string found = found_in(what, last);
    const bool comma = has(what, "object key") && found == "'}'";
    return "expected " + expected + ", found " + found + (comma ? " (no comma before it)" : "");
}

/// Builds the value from the library's events.
class Builder final : public nlohmann::json_sax<Library> {
  public:
    Builder(const Position& position, const JsonLimits& limits, const JsonItems& items)
        : position_(position), limits_(limits), items_(items) {}

    bool null() override { return add(Json()); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override {
        if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) return fail("number out of range");
        return add(value);
    }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(Json(std::move(value))); }
    bool binary(binary_t&) override { return fail("binary data"); }

    bool start_object(std::size_t) override { return open(Json::object()); }
    bool key(string_t& key) override {
        Frame& frame = frames_.back();
        if (!frame.keys.insert(key).second) return fail("the key " + quote(key) + " appears twice in the same object");
        frame.key = std::move(key);
        frame.key_line = position_.line;
        return true;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_array() override { return close(); }

    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        return fail(explain(error.what(), position_.last, finished_));
    }

    Json take_root() { return std::move(root_); }
    ConfigError take_error() { return std::move(error_); }

  private:
    struct Frame {
        Json value;
        std::unordered_set<std::string> keys;
        std::string key;
        int key_line = 0;
    };

    bool fail(std::string message) {
        error_ = {"", position_.line, std::move(message)};
        return false;
    }

    bool count() {
        if (++values_ <= limits_.values) return true;
        return fail("more than " + std::to_string(limits_.values) + " values");
    }

    bool add(Json value) {
        value.at_line(position_.line);
        return count() && attach(std::move(value));
    }

    bool attach(Json value) {
        if (frames_.empty()) {
            root_ = std::move(value);
            finished_ = true;
            return true;
        }
        Frame& frame = frames_.back();
        if (is_list_of_items()) {
            items_.take(value);
        } else if (frame.value.as_array() != nullptr) {
            frame.value.push(std::move(value));
        } else {
            frame.value.append({std::move(frame.key), std::move(value), frame.key_line});
        }
        return true;
    }

    /// The innermost value that is open. Requires: one is.
    [[nodiscard]] bool is_list_of_items() const {
        return items_.take && frames_.size() == 2 && frames_.back().value.as_array() != nullptr &&
               frames_.front().value.as_object() != nullptr && frames_.front().key == items_.key;
    }

    bool open(Json value) {
        if (frames_.size() == limits_.depth) return fail("nested more than " + std::to_string(limits_.depth) + " levels deep");
        value.at_line(position_.line);
        frames_.push_back({std::move(value), {}, {}, 0});
        return count();
    }

    bool close() {
        Json value = std::move(frames_.back().value);
        frames_.pop_back();
        return attach(std::move(value));
    }

    const Position& position_;
    const JsonLimits& limits_;
    const JsonItems& items_;
    std::vector<Frame> frames_;
    std::size_t values_ = 0;
    Json root_;
    bool finished_ = false;
    ConfigError error_;
};

/// The library takes a NUL byte for the end of the text.
std::optional<ConfigError> nul_byte(std::string_view text) {
    const std::size_t at = text.find('\0');
    if (at == std::string_view::npos) return std::nullopt;
    const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return ConfigError{"", static_cast<int>(lines) + 1, "there is a NUL byte in the text"};
}

} // namespace

Parsed<Json> parse(std::string_view text, const JsonLimits& limits) { return parse(text, limits, {}); }

Parsed<Json> parse(std::string_view text, const JsonLimits& limits, const JsonItems& items) {
    if (text.size() > limits.bytes)
        return tl::unexpected(ConfigError{"", 0, "longer than " + std::to_string(limits.bytes) + " bytes"});
    if (auto nul = nul_byte(text)) return tl::unexpected(*std::move(nul));
    Position position;
    Builder builder(position, limits, items);
    const CountingIterator first(text.data(), position);
    const CountingIterator last(text.data() + text.size(), position);
    if (!Library::sax_parse(first, last, &builder)) return tl::unexpected(builder.take_error());
    return builder.take_root();
}

} // namespace vpn::config
