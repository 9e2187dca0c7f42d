#include "common/config/error.hpp"

#include "common/config/utf8.hpp"

#include <algorithm>
#include <vector>

namespace vpn::config {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_base64(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/// A key has 43 digits of base64; one more or less is a slip of the hand.
bool looks_like_key(std::string_view text) {
    std::size_t run = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && is_base64(text[i])) {
            ++run;
            continue;
        }
        if (run >= 42 && run <= 44) return true;
        run = 0;
    }
    return false;
}

/// `PrivateKey`, `private-key` and `private_key` are one word to whoever types them.
std::string plain_word(std::string_view text) {
    std::string word;
    for (const char c : text) {
        if (c == '_' || c == '-' || c == ' ') continue;
        word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return word;
}

/// How many letters to add, drop, change or swap with their neighbour to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::size_t> table((a.size() + 1) * width);
    for (std::size_t j = 0; j < width; ++j) table[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        table[i * width] = i;
        for (std::size_t j = 1; j < width; ++j) {
            const std::size_t here = i * width + j;
            const std::size_t changed = table[here - width - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            table[here] = std::min({table[here - width] + 1, table[here - 1] + 1, changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                table[here] = std::min(table[here], table[here - 2 * width - 2] + 1);
        }
    }
    return table.back();
}

} // namespace

std::string ConfigError::text() const {
    const std::string where = line > 0 ? ':' + std::to_string(line) : "";
    return printable(file, 4096) + where + ": " + message;
}

std::string printable(std::string_view text, std::size_t max) {
    std::string shown;
    std::size_t used = 0;
    while (!text.empty()) {
        const CodePoint next = first_code_point(text);
        if (used + next.length > max) return shown + "...";
        if (next.valid && is_printable(next.value)) {
            shown += text.substr(0, next.length);
        } else {
            for (const char c : text.substr(0, next.length)) {
                const auto byte = static_cast<unsigned char>(c);
                shown.append("\\x").append(1, hex_digits[byte >> 4U]).append(1, hex_digits[byte & 15U]);
            }
        }
        used += next.length;
        text.remove_prefix(next.length);
    }
    return shown;
}

std::string quote(std::string_view text, std::size_t max) {
    if (looks_like_key(text)) return "(something that looks like a key)";
    return '"' + printable(text, max) + '"';
}

std::string suggestion(std::string_view found, std::span<const std::string_view> known) {
    if (found.size() > 40) return {};
    const std::string word = plain_word(found);
    std::string_view best;
    std::size_t least = 1 + word.size() / 3;
    for (const std::string_view candidate : known) {
        const std::size_t far = distance(word, plain_word(candidate));
        if (far >= least && !(far == least && best.empty() && far <= 1)) continue;
        best = candidate;
        least = far;
    }
    return best.empty() ? "" : ", did you mean \"" + std::string(best) + "\"?";
}

} // namespace vpn::config
