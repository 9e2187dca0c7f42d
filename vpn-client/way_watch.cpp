#include "vpn-client/way_watch.hpp"

#include "common/system/link.hpp"
#include "vpn-client/network_plan.hpp"

#include <new>
#include <utility>

namespace vpn::client {
namespace {

/// Who changes an address changes a route right after: both are seen in one look.
constexpr Duration until_quiet = std::chrono::milliseconds(5);
/// Until a look that memory did not suffice for is tried again.
constexpr Duration breath = std::chrono::seconds(1);

} // namespace

Result<WayWatch::Doors> WayWatch::Doors::open() {
    auto netlink = system::Netlink::open();
    if (!netlink) return failed(netlink.error().message);
    auto monitor = system::NetlinkMonitor::open();
    if (!monitor) return failed(monitor.error().message);
    return Doors{std::move(*netlink), std::move(*monitor)};
}

WayWatch::WayWatch(boost::asio::io_context& loop, Doors doors, Handlers handlers)
    : doors_(std::move(doors)), handlers_(std::move(handlers)), look_(loop, [this] { handle_time(); }),
      watch_(loop, doors_.monitor.fd(), [this] { hear(); }) {
    look();
}

void WayWatch::handle_time() {
    look_.set_in(breath); // first: what memory does not suffice for is not missed
    look();
    handlers_.looked();
    look_.clear();
}

void WayWatch::handle_new_destinations() {
    try {
        if (handlers_.destinations() != destinations_) look();
    } catch (const std::bad_alloc&) {
        look_.set_in(breath);
        throw;
    }
}

void WayWatch::hear() {
    if (!std::exchange(looks_soon_, true)) look_.set_in(until_quiet);
    const auto events = doors_.monitor.read();
    ways_.handle_events(events);
}

void WayWatch::look() {
    looks_soon_ = false;
    destinations_ = handlers_.destinations();
    for (const IpAddress& destination : destinations_) {
        const auto way = find(destination);
        changed_.reserve(changed_.size() + 1); // what is noticed once is kept
        if (ways_.handle_look(destination, way)) changed_.push_back(destination);
    }
    ways_.end_look();
    while (!changed_.empty()) {
        const IpAddress destination = changed_.front();
        handlers_.changed(destination);
        std::erase(changed_, destination);
    }
}

std::optional<Way> WayWatch::find(const IpAddress& destination) {
    const auto route = system::route_to(doors_.netlink, destination, outer_mark);
    if (!route) return std::nullopt;
    const auto link = system::find_link(doors_.netlink, route->interface);
    return Way{route->interface, route->gateway, route->source, link && link->up && link->running};
}

} // namespace vpn::client
