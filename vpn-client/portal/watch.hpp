// Whether a captive portal keeps a connection's server out of reach, kept current while it is silent.
// Where names are asked for inside, the host is looked up while the tunnel works; before it ever did, by marked sockets past it.
// Refuses to know: the tunnel, and the lock. Whoever tells it of silence says whether a question may go out at all.
#pragma once

#include "common/system/log.hpp"
#include "common/system/marked_lookup.hpp"
#include "vpn-client/portal/check.hpp"
#include "vpn-client/watch.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

class PortalWatch {
  public:
    /// Tells whom to ask for names past the tunnel.
    using Resolvers = std::function<std::vector<Resolver>()>;

    /// Without a url it never asks.
    PortalWatch(boost::asio::io_context& loop, std::optional<config::HttpUrl> url, Resolvers outside, system::Logger log);

    /// Requires: names are asked for through the tunnel.
    void handle_tunnel_works();
    /// The server does not answer. `way_is_open`: what leaves past the tunnel may. `names_too`: this machine's own questions for
    /// names leave there.
    void handle_silence(bool way_is_open, bool names_too);
    /// Everything goes past the tunnel for now, names too.
    void handle_pause();
    /// The server answered.
    void handle_answer();

    /// Where the portal leads; empty if it names nobody. None: none is known of.
    [[nodiscard]] const std::optional<std::string>& portal() const { return portal_; }

  private:
    void ask(std::vector<IpAddress> addresses);
    void look_up_outside();
    void handle_found();
    void handle_found_outside();
    void handle_way_out();

    boost::asio::io_context& loop_;
    std::optional<config::HttpUrl> url_;
    Resolvers outside_;
    system::Logger log_;
    std::vector<IpAddress> addresses_;
    std::optional<std::string> portal_;
    std::optional<Boot> asked_;
    std::optional<system::Lookup> lookup_;
    std::optional<Watch> lookup_watch_;
    std::optional<system::MarkedLookup> lookup_outside_;
    std::optional<Watch> lookup_outside_watch_;
    std::optional<PortalCheck> check_;
    std::optional<Watch> check_watch_;
};

} // namespace vpn::client
