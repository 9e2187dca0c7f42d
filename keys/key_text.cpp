#include "keys/key_text.hpp"

namespace vpn::keys {

KeyLine::KeyLine(std::span<const std::byte, crypto::key_size> key) {
    std::string text = format_base64(key);
    copy(bytes_of(text), line_.mutable_view());
    line_.mutable_view().back() = std::byte{'\n'};
    wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos; }

} // namespace vpn::keys
