// Watches the ways out of this machine to where the peers are. The kernel's news of links, addresses and routes make it look at
// them again a moment later; only who has another way to a peer is told. One thread: the event loop's.
// Refuses to know: what goes by these ways. EXPERIENCE, "How it behaves"; THREATS, "address or route changed".
#pragma once

#include "common/base/result.hpp"
#include "common/system/netlink.hpp"
#include "vpn-client/watch.hpp"
#include "vpn-client/ways.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <vector>

namespace vpn::client {

class WayWatch {
  public:
    /// Doors to the kernel, which lead to the network that they were opened in.
    struct Doors {
        system::Netlink netlink;
        system::NetlinkMonitor monitor;
        static Result<Doors> open();
    };

    struct Handlers {
        std::function<std::vector<IpAddress>()> destinations; ///< tells where the peers are now
        std::function<void(const IpAddress&)> changed;        ///< one of these has another way than before
        std::function<void()> looked;                         ///< something about the network is new, that perhaps or not
    };
    WayWatch(boost::asio::io_context& loop, Doors doors, Handlers handlers);

    /// The peers are elsewhere: the ways to them are what they are now.
    void handle_new_destinations();
    /// Asks the kernel.
    [[nodiscard]] bool finds_way_to(const IpAddress& destination) { return find(destination).has_value(); }
    /// As far as is known.
    [[nodiscard]] bool leads_to(const IpAddress& destination) const { return ways_.leads_to(destination); }

  private:
    void hear();
    void look();
    void handle_time();
    [[nodiscard]] std::optional<Way> find(const IpAddress& destination);

    Doors doors_;
    Handlers handlers_;
    Ways ways_;
    std::vector<IpAddress> destinations_; ///< of the last look
    std::vector<IpAddress> changed_;      ///< and nobody has been told yet
    bool looks_soon_ = false;
    Alarm look_;
    Watch watch_;
};

} // namespace vpn::client
