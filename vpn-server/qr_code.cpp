#include "vpn-server/qr_code.hpp"

#include "common/base/secret.hpp"

#include <png.h>
#include <qrencode.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string_view>

namespace vpn::server {
namespace {

/// The standard asks for four modules.
constexpr std::size_t quiet = 4;
constexpr std::size_t pixels = 8;
constexpr std::string_view white_on_black = "\x1b[38;5;231;48;5;16m";
constexpr std::string_view plain = "\x1b[0m";

void wipe_all(std::span<char> bytes) { wipe(std::as_writable_bytes(bytes)); }

struct WipeAndFree {
    void operator()(QRcode* code) const {
        wipe_all(
            {reinterpret_cast<char*>(code->data), static_cast<std::size_t>(code->width) * static_cast<std::size_t>(code->width)});
        QRcode_free(code);
    }
};

/// Counted from the corner of the quiet zone.
bool is_light(const QrCode& code, std::size_t x, std::size_t y) { return !code.is_dark(x - quiet, y - quiet); }

} // namespace

QrCode::~QrCode() { wipe_all(dark_); }

Result<QrCode> QrCode::encode(const std::string& text) {
    const std::unique_ptr<QRcode, WipeAndFree> made(QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_L));
    if (!made && errno == ERANGE)
        return failed("the file is too long for a QR code: it has " + std::to_string(text.size()) + " bytes");
    if (!made) return failed("no QR code can be made of it");
    QrCode code;
    code.width_ = static_cast<std::size_t>(made->width);
    code.dark_.resize(code.width_ * code.width_);
    for (std::size_t i = 0; i < code.dark_.size(); ++i) code.dark_[i] = static_cast<char>(made->data[i] & 1U);
    return code;
}

std::string terminal_text(const QrCode& code, bool colour) {
    const std::size_t side = code.width() + 2 * quiet;
    std::string text;
    for (std::size_t y = 0; y < side; y += 2) {
        if (colour) text += white_on_black;
        for (std::size_t x = 0; x < side; ++x) {
            const bool upper = is_light(code, x, y);
            const bool lower = y + 1 < side && is_light(code, x, y + 1);
            text += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
        }
        if (colour) text += plain;
        text += '\n';
    }
    return text;
}

Result<std::string> png_of(const QrCode& code) {
    const std::size_t side = (code.width() + 2 * quiet) * pixels;
    std::string grey(side * side, '\0');
    for (std::size_t y = 0; y < side; ++y)
        for (std::size_t x = 0; x < side; ++x) grey[y * side + x] = is_light(code, x / pixels, y / pixels) ? '\xff' : '\0';
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = image.height = static_cast<png_uint_32>(side);
    image.format = PNG_FORMAT_GRAY;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    std::string bytes(size, '\0');
    const bool written = png_image_write_to_memory(&image, bytes.data(), &size, 0, grey.data(), 0, nullptr) != 0;
    wipe_all(grey);
    if (!written) return failed(std::string("no picture can be made of it: ") + image.message);
    bytes.resize(size);
    return bytes;
}

} // namespace vpn::server
