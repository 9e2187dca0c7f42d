// How large a datagram the way to the server carries whole: one search, by probes of several sizes at once, each of which is
// answered or is not (RFC 8899 in spirit; EXPERIENCE, "How it behaves"). An answer proves its size and all smaller ones; silence
// proves nothing until it has lasted for all tries. Pure. Refuses to know: packets, sockets, and what is made of the result.
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace vpn::client {

/// Passes wherever anything does: who does not answer this answers nothing. Sizes are those of outer packets, headers and all.
inline constexpr std::uint32_t smallest_outer_size = 576;

/// The sizes that links have, of those a link of `link_mtu` can send, in ascending order: the smallest first, `link_mtu` last.
std::vector<std::uint32_t> sizes_up_to(std::uint32_t link_mtu);

class MtuSearch {
  public:
    /// Requires: `sizes` ascend.
    explicit MtuSearch(std::vector<std::uint32_t> sizes) : sizes_(std::move(sizes)) {}

    /// The sizes to send probes of now: all that are larger than what was answered. None before the deadline, nor at the end.
    std::vector<std::uint32_t> handle_time(Boot now);
    /// A probe of that size was answered.
    void handle_answer(std::uint32_t size, Boot now);

    /// The largest was answered, or all tries are over.
    [[nodiscard]] bool over() const { return over_; }
    /// When handle_time wants to be called again. None: it is over.
    [[nodiscard]] std::optional<Boot> next_deadline() const;
    /// The largest size that was answered so far.
    [[nodiscard]] std::optional<std::uint32_t> found() const { return found_; }

  private:
    std::vector<std::uint32_t> sizes_;
    std::optional<std::uint32_t> found_;
    std::optional<Duration> round_trip_; ///< the first that was seen
    unsigned tries_ = 0;
    Boot sent_{};
    Boot deadline_{};
    bool over_ = false;
};

} // namespace vpn::client
