#include "keys/key_stream.hpp"

#include "common/system/os_error.hpp"
#include "keys/key_text.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace vpn::keys {
namespace {

/// Fills `out` as far as the input goes. Returns how far that is.
Result<std::size_t> read_up_to(int fd, MutableBytes out) {
    std::size_t filled = 0;
    while (filled < out.size()) {
        const ssize_t got = ::read(fd, out.data() + filled, out.size() - filled);
        if (got == 0) break;
        if (got < 0 && errno != EINTR) return failed("cannot read the key: " + system::errno_text(errno));
        if (got > 0) filled += static_cast<std::size_t>(got);
    }
    return filled;
}

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// More than anyone types behind a key.
constexpr std::size_t most_blanks = 4096;

/// Reads what is behind the key, up to the end or the first thing that is not blank.
Result<void> expect_blanks(int fd) {
    Secret<64> behind; // it may be another key
    for (std::size_t total = 0; total < most_blanks; total += behind.size) {
        const auto size = read_up_to(fd, behind.mutable_view());
        if (!size) return tl::unexpected(size.error());
        if (!is_blank(text_of(behind.view().first(*size)))) break;
        if (*size < behind.size) return {};
    }
    return failed("something stands behind the key: expected one key and nothing else");
}

} // namespace

Result<crypto::PrivateKey> read_private_key_from(int fd) {
    Secret<key_text_size> text;
    const auto size = read_up_to(fd, text.mutable_view());
    if (!size) return tl::unexpected(size.error());
    auto key = crypto::PrivateKey::parse(text_of(text.view().first(*size)));
    if (!key) return failed("this is not a key: expected 44 characters of base64");
    return expect_blanks(fd).map([&key] { return std::move(*key); });
}

Result<void> write_key_to(int fd, std::span<const std::byte, crypto::key_size> key) {
    const KeyLine line(key);
    for (std::string_view rest = line.text(); !rest.empty();) {
        const ssize_t wrote = ::write(fd, rest.data(), rest.size());
        if (wrote < 0 && errno != EINTR) return failed("cannot write the key: " + system::errno_text(errno));
        if (wrote > 0) rest.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

bool is_open_to_the_world(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IRWXO) != 0;
}

} // namespace vpn::keys
