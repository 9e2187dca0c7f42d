// Questions to an Outbox: what of one kind is in it.
#pragma once

#include "common/protocol/outbox.hpp"

#include <algorithm>

namespace vpn::support {

template <class Kind> std::vector<Kind> actions_of(const protocol::Outbox& out) {
    std::vector<Kind> found;
    for (const protocol::Action& action : out.actions)
        if (const Kind* each = std::get_if<Kind>(&action)) found.push_back(*each);
    return found;
}

template <class Kind> std::size_t count_of(const protocol::Outbox& out) { return actions_of<Kind>(out).size(); }

inline bool happened(const protocol::Outbox& out, protocol::EventKind kind) {
    return std::any_of(out.events.begin(), out.events.end(), [kind](const auto& event) { return event.kind == kind; });
}

/// The message type of a datagram, by its first byte.
inline unsigned type_of(Bytes datagram) { return datagram.empty() ? 0 : std::to_integer<unsigned>(datagram[0]); }

/// What it is for, in either suite: 1 initiation, 2 response, 3 cookie reply, 4 data.
inline unsigned kind_of(Bytes datagram) { return type_of(datagram) > 4 ? type_of(datagram) - 4 : type_of(datagram); }

} // namespace vpn::support
