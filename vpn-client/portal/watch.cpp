#include "vpn-client/portal/watch.hpp"

#include "vpn-client/network_plan.hpp"

#include <exception>
#include <utility>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_questions = 30s;
constexpr Duration patience = 5s;

} // namespace

PortalWatch::PortalWatch(boost::asio::io_context& loop, std::optional<config::HttpUrl> url, Resolvers outside, system::Logger log)
    : loop_(loop), url_(std::move(url)), outside_(std::move(outside)), log_(std::move(log)) {
    if (!url_) return;
    if (const auto literal = url_->server.literal()) addresses_ = {literal->address};
}

void PortalWatch::handle_tunnel_works() {
    if (!url_ || !addresses_.empty() || lookup_) return;
    try {
        lookup_.emplace(url_->server.host, url_->server.port);
        lookup_watch_.emplace(loop_, lookup_->fd(), [this] { handle_found(); });
    } catch (const std::exception&) {
        lookup_.reset(); // no descriptors or no memory left: portals are not worth a tunnel
    }
}

void PortalWatch::handle_found() {
    const auto resolved = lookup_->take();
    lookup_watch_.reset();
    lookup_.reset();
    if (!resolved) return;
    for (const Endpoint& endpoint : *resolved) addresses_.push_back(endpoint.address);
}

void PortalWatch::handle_silence(bool way_is_open, bool names_too) {
    const bool lately = asked_ && system::now().boot - *asked_ < between_questions;
    if (!url_ || !way_is_open || check_ || lately) return;
    if (names_too || !addresses_.empty())
        ask(addresses_);
    else
        look_up_outside();
}

void PortalWatch::look_up_outside() {
    asked_ = system::now().boot;
    lookup_outside_watch_.reset();
    try {
        lookup_outside_.emplace(url_->server.host, url_->server.port, outside_(), outer_mark);
        lookup_outside_watch_.emplace(loop_, lookup_outside_->fd(), [this] { handle_found_outside(); });
    } catch (const std::exception&) {
        lookup_outside_.reset();
    }
}

/// Who keeps us in a hotel answers for names as well: what he says is good for this question, and for no later one.
void PortalWatch::handle_found_outside() {
    const auto resolved = lookup_outside_->handle_events();
    if (!resolved) return;
    lookup_outside_watch_.reset();
    lookup_outside_.reset();
    if (!*resolved || check_) return;
    std::vector<IpAddress> addresses;
    for (const Endpoint& endpoint : **resolved) addresses.push_back(endpoint.address);
    ask(std::move(addresses));
}

void PortalWatch::handle_answer() {
    portal_.reset();
    lookup_outside_watch_.reset();
    lookup_outside_.reset();
}

void PortalWatch::handle_pause() {
    if (url_ && !check_) ask({});
}

void PortalWatch::ask(std::vector<IpAddress> addresses) {
    asked_ = system::now().boot;
    try {
        check_.emplace(PortalQuestion{*url_, std::move(addresses), outer_mark, patience});
        check_watch_.emplace(loop_, check_->fd(), [this] { handle_way_out(); });
    } catch (const std::exception&) {
        check_.reset();
    }
}

void PortalWatch::handle_way_out() {
    WayOut seen = check_->take();
    check_watch_.reset();
    check_.reset();
    if (seen.kind == WayOut::Kind::open) portal_.reset();
    if (seen.kind != WayOut::Kind::portal) return;
    if (portal_ != seen.host)
        log_.warn("captive-portal", {{"host", seen.host}, {"hint", "open a browser during a pause: vpn-client pause 5m"}});
    portal_ = std::move(seen.host);
}

} // namespace vpn::client
