#include "vpn-server/exposition.hpp"

#include <array>
#include <charconv>

namespace vpn::server {
namespace {

void append_escaped(std::string& text, std::string_view value) {
    for (const char c : value) {
        if (c == '\\' || c == '"') text += '\\';
        if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
}

template <class Number> void append_number(std::string& text, Number value) {
    std::array<char, 32> digits{}; // the shortest form of a double has 24 at most
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text.append(digits.data(), end);
}

} // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::begin_sample(Labels labels) {
    text_ += name_;
    char before = '{';
    for (const Label& label : labels) {
        text_ += before;
        text_.append(label.name).append("=\"");
        append_escaped(text_, label.value);
        text_ += '"';
        before = ',';
    }
    text_ += labels.size() == 0 ? " " : "} ";
}

void Exposition::sample(Labels labels, std::uint64_t value) {
    begin_sample(labels);
    append_number(text_, value);
    text_ += '\n';
}

void Exposition::sample(Labels labels, double value) {
    begin_sample(labels);
    append_number(text_, value);
    text_ += '\n';
}

} // namespace vpn::server
