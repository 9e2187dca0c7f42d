// One key as one line of text, in memory that is wiped: what key files hold, and what `vpn-keys` reads and writes.
// Refuses to know: where the line comes from or goes to.
#pragma once

#include "common/base/secret.hpp"
#include "common/crypto/keys.hpp"

#include <optional>
#include <string_view>

namespace vpn::keys {

/// The characters of a key: base64 of 32 bytes.
inline constexpr std::size_t key_text_size = 44;

/// A key and the end of the line behind it.
class KeyLine {
  public:
    explicit KeyLine(std::span<const std::byte, crypto::key_size> key);
    [[nodiscard]] std::string_view text() const {
        return {reinterpret_cast<const char*>(line_.view().data()), key_text_size + 1};
    }

  private:
    Secret<key_text_size + 1> line_;
};

/// True for what may stand behind a key: spaces and ends of lines.
bool is_blank(std::string_view text);

/// The key at the very beginning of `text`, with nothing but blanks behind it.
template <class Key> std::optional<Key> parse_key_line(std::string_view text) {
    if (text.size() < key_text_size || !is_blank(text.substr(key_text_size))) return std::nullopt;
    return Key::parse(text.substr(0, key_text_size));
}

} // namespace vpn::keys
