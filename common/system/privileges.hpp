// What a process gives away once it has all it needs: capabilities, and the way to new ones (THREATS, "a bug of our own").
// Refuses to know: what they are needed for.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

namespace vpn::system {

enum class Capability : std::uint8_t {
    /// Files of others than us: root without it is one user among many.
    dac_override,
    /// Interfaces, routes, rules, nftables, marks.
    net_admin,
};

/// Gives up every capability but those among `kept` that we have, also for programs that we start, and forbids that any program
/// gives us new ones. A limit on locked memory is lifted first, for memory that is locked already; where that may not be, the
/// capability to lock is kept as well.
/// Capabilities belong to threads: call it while there is one, those to come inherit.
/// Returns what could not be done, as one sentence; nullopt if all was.
[[nodiscard]] std::optional<std::string> keep_only(std::initializer_list<Capability> kept);

} // namespace vpn::system
