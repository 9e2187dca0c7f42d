// Who answered a plain question outside of the tunnel: the one who was asked, or a captive portal in his place? The question, and
// the judgement on whatever came back, which may be anything. Pure. Refuses to know: sockets, and when it is time to ask.
//
// A portal answers for others: it leads elsewhere, or shows its own page. Whoever was asked answers 204, or with nothing at all.
// All else says nothing: servers have troubles, and a redirect to the same host is what a site does that has moved to https.
#pragma once

#include "common/config/http_url.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace vpn::client {

/// What was learned of the way out.
struct WayOut {
    enum class Kind : std::uint8_t {
        unknown, ///< nobody answered, or nothing that tells
        open,
        portal,
    };
    Kind kind = Kind::unknown;
    /// Of a portal, where it leads, fit for a terminal; empty if it names nobody.
    std::string host;
    friend bool operator==(const WayOut&, const WayOut&) = default;
};

/// No more of an answer is looked at.
constexpr std::size_t longest_portal_answer = 8192;

std::string portal_question(const config::HttpUrl& url);

/// All that tells has come: the rest of `answer` need not be waited for.
bool tells_enough(std::string_view answer);

/// `answer` may be cut off anywhere.
WayOut judge_portal_answer(std::string_view answer, const config::HttpUrl& asked);

/// What people are told of it, and below it what to do: lines without their ends. Requires: a portal.
std::string portal_explanation(const std::string& host, const std::string& connection);

} // namespace vpn::client
