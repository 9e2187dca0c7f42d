// What `status` shows of a tunnel that works: rates, and how the way inside is. Whoever is inside is asked only while somebody
// looks: an idle tunnel stays silent. One thread: the event loop's. Refuses to know: sessions, and who looks.
#pragma once

#include "tun/engine.hpp"
#include "vpn-client/inside_meter.hpp"
#include "vpn-client/probe.hpp"
#include "vpn-client/rate_meter.hpp"
#include "vpn-client/report.hpp"
#include "vpn-client/watch.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

class Gauges {
  public:
    using Peers = std::vector<tun::PeerStatus>;

    Gauges(boost::asio::io_context& loop, InsideSockets sockets, ProbeTargets targets, std::function<Peers()> peers);
    Gauges(const Gauges&) = delete;
    Gauges& operator=(const Gauges&) = delete;

    /// Fills in what is known, and asks anew if the report says that the tunnel works. One through which nothing comes back does
    /// not.
    void tell(Report& report);

  private:
    void look_at_rates();
    void measure_rates();
    void look_inside();
    void ask();
    void handle_answer();

    boost::asio::io_context& loop_;
    InsideSockets sockets_;
    ProbeTargets targets_;
    std::function<Peers()> peers_;
    RateMeter rates_;
    InsideMeter inside_;
    std::optional<Boot> looked_at_;
    std::optional<Probe> probe_; ///< while somebody is being asked
    Alarm rates_due_;
    Alarm inside_due_;
    Soon soon_;
};

} // namespace vpn::client
