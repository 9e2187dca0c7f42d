// How one peer is sought: while an initiation waits for its answer, the other addresses of its server are raced (RFC 8305); when
// it is silent, its next server's turn comes; where it answers, it stays. Pure: time is an argument, and who acts asks what is
// due. Refuses to know: the network, name servers, and whether anybody wants the peer.
#pragma once

#include "common/base/time.hpp"
#include "common/config/host_port.hpp"
#include "vpn-client/endpoint_book.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace vpn::client {

class PeerSearch {
  public:
    /// RFC 8305, 8: the Connection Attempt Delay.
    static constexpr Duration race_delay = std::chrono::milliseconds(250);
    /// After so long without an answer, the peer is sought elsewhere.
    static constexpr Duration silence_after = std::chrono::seconds(3);
    /// EXPERIENCE: a handshake that is older than this was not renewed.
    static constexpr Duration overdue_after = std::chrono::seconds(135);

    /// The peer's servers in the order of the file, and the addresses of each.
    PeerSearch(std::vector<config::HostPort> servers, std::vector<std::vector<Endpoint>> endpoints)
        : servers_(std::move(servers)), book_(std::move(endpoints)) {}

    [[nodiscard]] const std::vector<config::HostPort>& servers() const { return servers_; }
    [[nodiscard]] const EndpointBook& book() const { return book_; }

    /// An initiation went to `to`: the `count`th of those that have no answer.
    void handle_initiation(const Endpoint& to, std::uint32_t count, Boot now);
    /// It answered there.
    void handle_handshake(const Endpoint& at);
    /// An authentic packet came from there.
    void handle_endpoint_moved(const Endpoint& to) { book_.handle_answer_from(to); }
    /// The way to it is another one, or it is sought elsewhere now: nobody has answered by this one.
    void handle_new_way() { elsewhere_ = true; }
    /// The name has these addresses now. False: it is the name of none of its servers.
    bool handle_addresses(const config::HostPort& name, const std::vector<Endpoint>& endpoints);

    /// Where the initiation that waits is to go, too, by now. What does not fit is passed over.
    std::optional<Endpoint> take_raced(Boot now, const std::function<bool(const Endpoint&)>& fits);
    /// True once it has been silent for too long: no other way to ask it is known but `next_server`.
    [[nodiscard]] bool take_silence(Boot now);
    /// Where a peer is sought next that is silent there; none: it has no other server at an address that fits.
    std::optional<Endpoint> next_server(const Endpoint& silent, const std::function<bool(const Endpoint&)>& fits);
    /// When to ask again what is due.
    [[nodiscard]] std::optional<Boot> next_deadline() const;

    /// It was heard lately, and has not been silent since.
    [[nodiscard]] bool is_settled(const std::optional<Boot>& last_handshake, Boot now) const;
    /// Nobody has answered yet by the way there is now.
    [[nodiscard]] bool is_elsewhere() const { return elsewhere_; }

  private:
    std::vector<config::HostPort> servers_;
    EndpointBook book_;
    std::vector<Endpoint> to_race_;
    std::optional<Boot> race_at_;
    std::optional<Boot> silent_at_; ///< while an answer is waited for
    bool silent_ = false;           ///< since the last handshake
    bool elsewhere_ = true;
};

} // namespace vpn::client
