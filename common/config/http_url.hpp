// An address of plain HTTP, `http://host[:port][/path]`: what is asked outside of a tunnel, where nobody is who he says he is.
// Refuses to know: every other scheme, users and passwords, and fragments.
#pragma once

#include "common/config/host_port.hpp"

#include <string>
#include <string_view>

namespace vpn::config {

struct HttpUrl {
    HostPort server;
    /// From the slash on, query included: printable ASCII without blanks.
    std::string path;

    /// The failure says what is wrong with the text, and repeats it safely.
    static Result<HttpUrl> parse(std::string_view text);
    /// As a client says it: the port only where it is not 80, an IPv6 address in brackets.
    [[nodiscard]] std::string host_header() const;
    [[nodiscard]] std::string to_string() const { return "http://" + host_header() + path; }
    friend auto operator<=>(const HttpUrl&, const HttpUrl&) = default;
};

/// Answers 204 (No Content) to everybody; kept by Ubuntu for this very question, as its desktops ask it.
HttpUrl well_known_portal_check();

} // namespace vpn::config
