// A server as people name it: a host name or an address, and a port.
// Refuses to know: what a name resolves to.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace vpn::config {

struct HostPort {
    /// A host name as written, or the canonical text of an address, without brackets.
    std::string host;
    Port port;

    /// `host:port`, `1.2.3.4:port`, `[v6]:port`; without the port, and then without brackets too, if there is a default for it.
    /// The failure says what is wrong with the text, and repeats it safely.
    static Result<HostPort> parse(std::string_view text, std::optional<Port> default_port = std::nullopt);
    /// The endpoint, if the host is an address.
    [[nodiscard]] std::optional<Endpoint> literal() const;
    /// Always with the port; an IPv6 address in brackets.
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const HostPort&, const HostPort&) = default;
};

/// Letters, digits, hyphens and underscores in labels of 1 to 63, 253 in all; the last label has a letter. ASCII only.
[[nodiscard]] bool is_host_name(std::string_view text);

} // namespace vpn::config
