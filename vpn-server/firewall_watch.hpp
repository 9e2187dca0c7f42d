// Hears when somebody changes a firewall, of nftables or of iptables-legacy, and has it looked at once that is over.
// Refuses to know: what is looked at.
#pragma once

#include "common/system/nftables_monitor.hpp"
#include "common/system/xtables_watch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <variant>

namespace vpn::server {

class FirewallWatch {
  public:
    using Monitor = std::variant<system::NftablesMonitor, system::XtablesWatch>;
    /// `look` is called in the loop, which outlives the watch. What it changes itself has it called once more.
    FirewallWatch(boost::asio::io_context& loop, Monitor monitor, std::function<void()> look);
    FirewallWatch(const FirewallWatch&) = delete;
    FirewallWatch& operator=(const FirewallWatch&) = delete;
    ~FirewallWatch();

  private:
    void wait();
    void handle_changes();
    void look_soon();
    void look();

    Monitor monitor_;
    boost::asio::posix::stream_descriptor descriptor_; ///< borrows the monitor's
    boost::asio::steady_timer timer_;
    std::function<void()> look_;
    bool pending_ = false;
    boost::asio::steady_timer::time_point earliest_{};
};

} // namespace vpn::server
