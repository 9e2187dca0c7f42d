#include "vpn-client/ways.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {

void Ways::handle_events(const std::vector<system::NetlinkEvent>& events) {
    using Kind = system::NetlinkEvent::Kind;
    for (const system::NetlinkEvent& event : events) {
        const bool down = event.kind == Kind::link_changed && !(event.up && event.running);
        if (down || event.kind == Kind::link_removed) broken_.push_back(event.interface);
    }
}

bool Ways::handle_look(const IpAddress& destination, const std::optional<Way>& way) {
    const auto [known, first] = known_.try_emplace(destination);
    const std::optional<Way> before = std::exchange(known->second.way, way);
    known->second.seen = true;
    if (first || !way || !way->carries) return false;
    return before != way || std::ranges::find(broken_, way->interface) != broken_.end();
}

void Ways::end_look() {
    broken_.clear();
    std::erase_if(known_, [](const auto& entry) { return !entry.second.seen; });
    for (auto& [destination, known] : known_) known.seen = false;
}

bool Ways::leads_to(const IpAddress& destination) const {
    const auto known = known_.find(destination);
    return known == known_.end() || known->second.way.has_value();
}

} // namespace vpn::client
