// Where a server tells its numbers: an address of this machine alone, or a socket in the file system; as text and back.
// Refuses to know: what is told there. Whoever asks is told who is connected and how much they send, so nobody else may ask.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"

#include <compare>
#include <string>
#include <string_view>
#include <variant>

namespace vpn::config {

struct MetricsAddress {
    /// A loopback address with a port, or the absolute path of a socket.
    std::variant<Endpoint, std::string> place;

    /// `127.0.0.1:9586`, `[::1]:9586` or `unix:/run/vpn/metrics.sock`. The failure says what is wrong with the text, and repeats
    /// it safely.
    static Result<MetricsAddress> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const MetricsAddress&, const MetricsAddress&) = default;
};

} // namespace vpn::config
