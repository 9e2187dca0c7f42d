#include "common/config/json.hpp"
#include "common/config/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace vpn::config {
namespace {

/// An array of plain values that fits behind this column stays on its line.
constexpr std::size_t widest_line = 100;

/// How many items of a long list show how long the others will be.
constexpr std::size_t sample = 16;
/// More is not asked for on such a guess.
constexpr std::size_t largest_reserve = std::size_t{16} << 20U;

void append_escape(std::string& out, char32_t code_point) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto unit = [&](char32_t value) {
        out += "\\u";
        for (unsigned shift = 16; shift > 0; shift -= 4) out += digits[value >> (shift - 4) & 15U];
    };
    switch (code_point) {
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    default: break;
    }
    if (code_point < 0x10000) return unit(code_point);
    unit(0xd800 + ((code_point - 0x10000) >> 10U));
    unit(0xdc00 + ((code_point - 0x10000) & 0x3ffU));
}

bool stands_for_itself(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (;;) {
        // Nearly all of nearly every string goes by this way.
        const auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, stands_for_itself) - text.begin());
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const CodePoint next = first_code_point(text);
        if (!next.valid) {
            out += "\xef\xbf\xbd"; // U+FFFD
        } else if (next.value == '"' || next.value == '\\') {
            out.append(1, '\\').append(1, text.front());
        } else if (is_printable(next.value)) {
            out += text.substr(0, next.length);
        } else {
            append_escape(out, next.value);
        }
        text.remove_prefix(next.length);
    }
    out += '"';
}

/// The shortest text that reads back as the same number, and as one that is no integer.
void append_real(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

bool is_plain(const Json& json) { return json.as_array() == nullptr && json.as_object() == nullptr; }
bool is_plain(const std::string& /*text*/) { return true; }

class Formatter final : public JsonMembers {
  public:
    explicit Formatter(Layout layout) : pretty_(layout == Layout::pretty) {}

    void value(const std::string& text) { append_string(out_, text); }
    void value(const Json& json) {
        switch (json.kind()) {
        case Json::Kind::null: out_ += "null"; break;
        case Json::Kind::boolean: out_ += *json.as_bool() ? "true" : "false"; break;
        case Json::Kind::integer: out_ += std::to_string(*json.as_integer()); break;
        case Json::Kind::real: append_real(out_, *json.as_real()); break;
        case Json::Kind::string: append_string(out_, *json.as_string()); break;
        case Json::Kind::array: array(*json.as_array()); break;
        case Json::Kind::object: object(*json.as_object()); break;
        }
    }

    void text(std::string_view key, std::string_view value) override {
        member(key);
        append_string(out_, value);
    }
    void texts(std::string_view key, const std::vector<std::string>& values) override {
        member(key);
        array(values);
    }
    void boolean(std::string_view key, bool value) override {
        member(key);
        out_ += value ? "true" : "false";
    }

    void object_with(const Json::Object& members, const JsonList& list) {
        open('{');
        write(members);
        member(list.key);
        if (list.size == 0) {
            out_ += "[]";
        } else {
            open('[');
            const std::size_t before = out_.size();
            for (std::size_t i = 0; i < list.size; ++i) {
                if (i == sample) expect((out_.size() - before) / sample * (list.size - sample));
                next(i == 0);
                open('{');
                list.write(i, *this);
                close('}');
            }
            close(']');
        }
        close('}');
    }

    std::string take() { return std::move(out_); }

  private:
    /// True if the array was short enough for one line; else nothing was written.
    template <class Items> bool short_array(const Items& items) {
        const std::size_t before = out_.size();
        out_ += '[';
        for (const auto& item : items) {
            if (&item != &items.front()) out_ += pretty_ ? ", " : ",";
            const bool fits = out_.size() - line_start_ < widest_line;
            if (pretty_ && (!is_plain(item) || !fits)) {
                out_.resize(before);
                return false;
            }
            value(item);
        }
        out_ += ']';
        return true;
    }

    template <class Items> void array(const Items& items) {
        if (short_array(items)) return;
        open('[');
        for (const auto& item : items) {
            next(&item == &items.front());
            value(item);
        }
        close(']');
    }

    void object(const Json::Object& members) {
        if (members.empty()) {
            out_ += "{}";
            return;
        }
        open('{');
        write(members);
        close('}');
    }

    void write(const Json::Object& members) {
        for (const Json::Member& each : members) {
            member(each.key);
            value(each.value);
        }
    }
    void member(std::string_view key) {
        next(out_.back() == '{'); // which only its own opening bracket is: no value ends so
        append_string(out_, key);
        out_ += pretty_ ? ": " : ":";
    }
    /// Room for about so much more: a text of megabytes that doubles its room is copied, and wiped, as often.
    void expect(std::size_t bytes) { out_.reserve(std::min(out_.size() + bytes + bytes / 8, largest_reserve)); }

    void open(char bracket) {
        out_ += bracket;
        indent_ += 2;
    }
    void next(bool first) {
        if (!first) out_ += ',';
        new_line();
    }
    void close(char bracket) {
        indent_ -= 2;
        new_line();
        out_ += bracket;
    }
    void new_line() {
        if (!pretty_) return;
        line_start_ = out_.size() + 1;
        out_.append(1, '\n').append(indent_, ' ');
    }

    bool pretty_;
    std::size_t indent_ = 0;
    std::size_t line_start_ = 0; ///< kept, since looking for it makes a long line's time grow with its square
    std::string out_;
};

} // namespace

std::string format(const Json& json, Layout layout) {
    Formatter formatter(layout);
    formatter.value(json);
    return formatter.take();
}

std::string format_with(const Json& object, const JsonList& list) {
    Formatter formatter(Layout::pretty);
    formatter.object_with(*object.as_object(), list);
    return formatter.take();
}

} // namespace vpn::config
