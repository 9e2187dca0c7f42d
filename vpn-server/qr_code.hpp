// A text as a square that a phone's camera reads (ISO/IEC 18004): in a terminal, or as a picture.
// Refuses to know: what the text means. It may hold a key: everything made here is wiped by whoever asked for it.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace vpn::server {

class QrCode {
  public:
    QrCode(const QrCode&) = delete;
    QrCode& operator=(const QrCode&) = delete;
    QrCode(QrCode&&) = default;
    QrCode& operator=(QrCode&&) = default;
    ~QrCode();

    /// Errors: the text is longer than a square holds, about 2950 bytes.
    static Result<QrCode> encode(const std::string& text);

    /// Modules a side, without the quiet zone around.
    [[nodiscard]] std::size_t width() const { return width_; }
    /// False outside too.
    [[nodiscard]] bool is_dark(std::size_t x, std::size_t y) const { return x < width_ && y < width_ && dark_[y * width_ + x]; }

  private:
    QrCode() = default;
    std::size_t width_ = 0;
    std::vector<char> dark_;
};

/// In half blocks of Unicode, two modules a character, quiet zone included. What is light is drawn: right for the dark background
/// of most terminals. With `colour` white stands on black whatever the terminal has.
std::string terminal_text(const QrCode& code, bool colour);

/// The bytes of a PNG, eight pixels a module, quiet zone included. Errors: no memory.
Result<std::string> png_of(const QrCode& code);

} // namespace vpn::server
