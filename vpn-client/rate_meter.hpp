// From counts of bytes, looked at now and then, to the present rate and the highest. Pure. Refuses to know: whose bytes.
#pragma once

#include "common/base/strong.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <optional>

namespace vpn::client {

/// Bytes a second.
struct Rate {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    friend bool operator==(const Rate&, const Rate&) = default;
};

class RateMeter {
  public:
    /// So many bytes have passed since the beginning. Looks closer together than half a second count as one.
    void handle_totals(ByteCount received, ByteCount sent, Boot now);

    /// Between the last two looks.
    [[nodiscard]] const Rate& current() const { return current_; }
    /// Each way by itself.
    [[nodiscard]] const Rate& peak() const { return peak_; }

  private:
    struct Look {
        ByteCount received;
        ByteCount sent;
        Boot at;
    };
    std::optional<Look> last_;
    Rate current_;
    Rate peak_;
};

} // namespace vpn::client
