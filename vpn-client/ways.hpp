// The ways out of this machine to where the peers are, as they were when last looked at; and whether a look found another one.
// Pure. Refuses to know: the kernel, who tells (way_watch), and what follows.
#pragma once

#include "common/base/ip.hpp"
#include "common/system/netlink_monitor.hpp"
#include "common/system/route.hpp"

#include <map>
#include <optional>
#include <vector>

namespace vpn::client {

/// How packets leave for one address.
struct Way {
    std::uint32_t interface = 0;
    std::optional<IpAddress> gateway;
    std::optional<IpAddress> source;
    bool carries = false; ///< its link is up and has a carrier
    friend bool operator==(const Way&, const Way&) = default;
};

class Ways {
  public:
    /// What was heard since the last look. A link that went and came back between two looks leads to a network that may be
    /// another one, though it looks the same.
    void handle_events(const std::vector<system::NetlinkEvent>& events);
    /// What a look found; none: no way leads there. True if there is a way now that is another one than before, or that was gone
    /// meanwhile. What was never looked at has not changed.
    [[nodiscard]] bool handle_look(const IpAddress& destination, const std::optional<Way>& way);
    /// All that was heard of has been looked at, and what was not looked at is forgotten.
    void end_look();
    /// What was never looked at may be.
    [[nodiscard]] bool leads_to(const IpAddress& destination) const;

  private:
    struct Known {
        std::optional<Way> way;
        bool seen = false; ///< in the present look
    };
    std::map<IpAddress, Known> known_;
    std::vector<std::uint32_t> broken_; ///< links that did not carry at some time since the last look
};

} // namespace vpn::client
