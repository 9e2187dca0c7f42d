// Bytes that must not be seen: moved, never copied by accident; wiped when they go; never printed.
// The pages they stand on are locked and kept out of cores by `system::protect_memory`, for the whole process.
// Refuses to know: what the bytes are for.
#pragma once

#include "common/base/bytes.hpp"

#include <string.h> // explicit_bzero

namespace vpn {

/// Overwrites `bytes` in a way that no optimiser removes.
inline void wipe(MutableBytes bytes) { explicit_bzero(bytes.data(), bytes.size()); }

/// True if both views hold the same bytes; takes the same time wherever they differ.
/// A different length is no secret and answers at once.
inline bool equal_in_constant_time(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    volatile unsigned char difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference = difference | static_cast<unsigned char>(a[i] ^ b[i]);
    return difference == 0;
}

/// N secret bytes. Starts as zeros; a moved-from secret is zeros again.
template <std::size_t N> class Secret {
  public:
    static constexpr std::size_t size = N;

    Secret() = default;
    explicit Secret(std::span<const std::byte, N> from) { std::copy(from.begin(), from.end(), bytes_.begin()); }
    Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.clear(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.clear();
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { clear(); }

    /// A second copy, asked for by name.
    [[nodiscard]] Secret clone() const { return Secret(view()); }
    void clear() { wipe(bytes_); }
    [[nodiscard]] bool is_zero() const { return equal_in_constant_time(bytes_, ByteArray<N>{}); }

    [[nodiscard]] std::span<const std::byte, N> view() const { return bytes_; }
    [[nodiscard]] std::span<std::byte, N> mutable_view() { return bytes_; }

    friend bool equal_in_constant_time(const Secret& a, const Secret& b) {
        return vpn::equal_in_constant_time(Bytes(a.bytes_), Bytes(b.bytes_));
    }

  private:
    ByteArray<N> bytes_{};
};

} // namespace vpn
