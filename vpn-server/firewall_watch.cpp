#include "vpn-server/firewall_watch.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace vpn::server {
namespace {

/// Whoever loads rules changes many things at once: look when it is over.
constexpr std::chrono::milliseconds settling{200};
/// Of the thread's time, a look may take one part in so many, however often somebody changes a long list of rules.
constexpr int share = 20;

int fd_of(const FirewallWatch::Monitor& monitor) {
    return std::visit([](const auto& one) { return one.fd(); }, monitor);
}

bool heard_by(system::NftablesMonitor& monitor) {
    const auto changes = monitor.read();
    return changes.lost || !changes.tables.empty();
}
bool heard_by(system::XtablesWatch& watch) { return watch.read(); }

} // namespace

FirewallWatch::FirewallWatch(boost::asio::io_context& loop, Monitor monitor, std::function<void()> look)
    : monitor_(std::move(monitor)), descriptor_(loop, fd_of(monitor_)), timer_(loop), look_(std::move(look)) {
    wait();
}

FirewallWatch::~FirewallWatch() { descriptor_.release(); }

void FirewallWatch::wait() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        wait(); // first: whatever memory there is, it is called again
        handle_changes();
    });
}

void FirewallWatch::handle_changes() {
    const bool heard = std::visit([](auto& monitor) { return heard_by(monitor); }, monitor_);
    if (heard && !pending_) look_soon();
}

void FirewallWatch::look_soon() {
    timer_.expires_at(std::max(earliest_, boost::asio::steady_timer::clock_type::now() + settling));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        pending_ = false;
        try {
            look();
        } catch (const std::bad_alloc&) {
            look_soon();
        }
    });
    pending_ = true;
}

void FirewallWatch::look() {
    const auto begun = boost::asio::steady_timer::clock_type::now();
    look_();
    const auto ended = boost::asio::steady_timer::clock_type::now();
    earliest_ = ended + (ended - begun) * share;
}

} // namespace vpn::server
