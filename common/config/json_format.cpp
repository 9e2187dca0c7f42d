#include "common/config/json.hpp"
#include "common/config/utf8.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace vpn::config {
namespace {

/// An array of plain values that fits behind this column stays on its line.
constexpr std::size_t widest_line = 100;

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

void append_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
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

class Formatter {
  public:
    explicit Formatter(Layout layout) : pretty_(layout == Layout::pretty) {}

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

    std::string take() { return std::move(out_); }

  private:
    /// True if the array was short enough for one line; else nothing was written.
    bool short_array(const Json::Array& items) {
        const std::size_t before = out_.size();
        out_ += '[';
        for (const Json& item : items) {
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

    void array(const Json::Array& items) {
        if (short_array(items)) return;
        open('[');
        for (const Json& item : items) {
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
        for (const Json::Member& member : members) {
            next(&member == &members.front());
            append_string(out_, member.key);
            out_ += pretty_ ? ": " : ":";
            value(member.value);
        }
        close('}');
    }

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

} // namespace vpn::config
