#include "vpn-client/way_watch.hpp"

#include "common/system/link.hpp"
#include "vpn-client/network_plan.hpp"

#include <utility>

namespace vpn::client {
namespace {

/// Who changes an address changes a route right after: both are seen in one look.
constexpr Duration until_quiet = std::chrono::milliseconds(5);

} // namespace

Result<WayWatch::Doors> WayWatch::Doors::open() {
    auto netlink = system::Netlink::open();
    if (!netlink) return failed(netlink.error().message);
    auto monitor = system::NetlinkMonitor::open();
    if (!monitor) return failed(monitor.error().message);
    return Doors{std::move(*netlink), std::move(*monitor)};
}

WayWatch::WayWatch(boost::asio::io_context& loop, Doors doors, Handlers handlers)
    : doors_(std::move(doors)), handlers_(std::move(handlers)), look_(loop,
                                                                      [this] {
                                                                          look();
                                                                          handlers_.looked();
                                                                      }),
      watch_(loop, doors_.monitor.fd(), [this] { hear(); }) {
    look();
}

void WayWatch::hear() {
    const auto events = doors_.monitor.read();
    ways_.handle_events(events);
    if (!events.empty() && !std::exchange(looks_soon_, true)) look_.set_in(until_quiet);
}

void WayWatch::look() {
    looks_soon_ = false;
    std::vector<IpAddress> changed;
    for (const IpAddress& destination : handlers_.destinations())
        if (ways_.handle_look(destination, find(destination))) changed.push_back(destination);
    ways_.end_look();
    for (const IpAddress& destination : changed) handlers_.changed(destination);
}

std::optional<Way> WayWatch::find(const IpAddress& destination) {
    const auto route = system::route_to(doors_.netlink, destination, outer_mark);
    if (!route) return std::nullopt;
    const auto link = system::find_link(doors_.netlink, route->interface);
    return Way{route->interface, route->gateway, route->source, link && link->up && link->running};
}

} // namespace vpn::client
