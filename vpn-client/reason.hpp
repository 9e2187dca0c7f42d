// Why there is no working tunnel (EXPERIENCE: the last line on stderr is `reason=TOKEN`).
#pragma once

#include <cstdint>
#include <string_view>

namespace vpn::client {

enum class Reason : std::uint8_t { name_not_resolved, no_route, port_closed, busy, wrong_psk, wrong_suite, silence, no_return };

/// As in `reason=TOKEN`.
constexpr std::string_view token_of(Reason reason) {
    switch (reason) {
    case Reason::name_not_resolved: return "name-not-resolved";
    case Reason::no_route: return "no-route";
    case Reason::port_closed: return "port-closed";
    case Reason::busy: return "busy";
    case Reason::wrong_psk: return "wrong-psk";
    case Reason::wrong_suite: return "wrong-suite";
    case Reason::silence: return "silence";
    case Reason::no_return: return "no-return";
    }
    return {};
}

} // namespace vpn::client
