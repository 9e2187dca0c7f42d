// An interface that knows nothing but what `wg` and its like tell it (PROTOCOL 4): an engine, and what a get and a set do to it.
// One thread: the event loop's.
// Refuses to know: sockets that people talk through, addresses and routes; whoever made the interface gives it those.
#pragma once

#include "common/config/uapi_request.hpp"
#include "common/crypto/system_random.hpp"
#include "common/system/log.hpp"
#include "common/system/netlink.hpp"
#include "tun/engine.hpp"

#include <memory>
#include <optional>
#include <string>

namespace vpn::client {

class UapiDevice final : private tun::EngineObserver {
  public:
    struct Parts {
        tun::TunDevice device;
        tun::Sockets sockets; ///< on any port, unmarked
        system::Netlink netlink;
        std::size_t mtu;
    };

    /// Without a key, and so without a word to anybody.
    UapiDevice(boost::asio::io_context& loop, Parts parts, system::Logger log);
    UapiDevice(const UapiDevice&) = delete;
    UapiDevice& operator=(const UapiDevice&) = delete;
    ~UapiDevice() override = default;

    /// All there is to know, as text. Holds secrets: the caller wipes it.
    [[nodiscard]] std::string get() const;
    /// Carries out a whole set; the errno, and then nothing has changed, or zero. Throws std::bad_alloc, likewise.
    int set(config::UapiSet set);
    /// Somebody removed the interface.
    [[nodiscard]] bool gone() const { return gone_; }

  private:
    void on_event(const protocol::Event& event) override;
    void on_unreachable(const system::UnreachableReport&) override {}
    void on_timestamps_changed() override {}
    void on_interface_gone() override { gone_ = true; }
    void on_network_changed(const std::vector<system::NetlinkEvent>& events) override;

    /// Errors: EADDRINUSE and others of Sockets::open. None to open: the port stays.
    system::OsResult<std::optional<tun::Sockets>> open_sockets(const config::UapiSet& set) const;
    [[nodiscard]] std::vector<protocol::PeerChange> removal_of_all_peers() const;

    system::Logger log_;
    system::Netlink netlink_;
    crypto::SystemRandom random_;
    std::unique_ptr<tun::Engine> engine_;
    Mark mark_;
    bool any_port_ = true; ///< nobody asked for the one that it has
    bool gone_ = false;
};

} // namespace vpn::client
