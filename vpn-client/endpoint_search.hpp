// Where the main peer may be found next, when it does not answer where it was: the other addresses of its name in turn, and the
// name looked up again (EXPERIENCE, "How it behaves": names are re-resolved when the handshake does not renew).
// Refuses to know: the tunnel. It is told of silence, and tells an address to try.
#pragma once

#include "common/config/host_port.hpp"
#include "common/system/resolver.hpp"
#include "vpn-client/watch.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace vpn::client {

class EndpointSearch {
  public:
    /// `candidates` are the addresses known now, of which the first is in use. `move_to` is called from the event loop.
    EndpointSearch(boost::asio::io_context& loop, config::HostPort server, std::vector<Endpoint> candidates,
                   std::function<void(const Endpoint&)> move_to);

    /// An initiation had no answer for a while.
    void handle_silence();
    [[nodiscard]] bool is_candidate(const Endpoint& endpoint) const;

  private:
    void look_up();
    void handle_answer();

    boost::asio::io_context& loop_;
    config::HostPort server_;
    std::vector<Endpoint> candidates_;
    std::size_t current_ = 0;
    std::function<void(const Endpoint&)> move_to_;
    Boot last_lookup_;
    std::optional<system::Lookup> lookup_;
    std::optional<Watch> watch_;
};

} // namespace vpn::client
