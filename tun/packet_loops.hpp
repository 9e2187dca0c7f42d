// The two ways that packets go, each to completion: TUN -> UDP and UDP -> TUN (HOUSE, "A packet's walk"; DATAPATH 4). A thread
// takes what its descriptor has, seals or opens it while others take what follows, and hands it on in its turn. It never waits
// for the control thread. Refuses to know: the device, timers, and what the engine does with what it hands over.
// DEVIATION: DATAPATH 4 has shards (SO_REUSEPORT and IFF_MULTI_QUEUE); here all threads share one queue, and one socket a family.
// Shards leave it to the kernel's steering which of them a flow comes by, and that may change while it learns: a flow would be
// reordered. The price is a bound: a descriptor is read by one thread at a time, so no more goes one way than one core reads.
#pragma once

#include "common/system/udp_socket.hpp"
#include "tun/data_plane.hpp"
#include "tun/handshake_queue.hpp"
#include "tun/ordered_jobs.hpp"
#include "tun/tun_device.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace vpn::tun {

/// The outer sockets, all on one port. A machine without one of the families has none of it.
struct Sockets {
    std::optional<system::UdpSocket> v4;
    std::optional<system::UdpSocket> v6;
    /// What is no data, so that a flood of it takes no room of data's. None: the kernel can't tell, and all comes to the others.
    std::optional<system::UdpSocket> handshakes_v4{};
    std::optional<system::UdpSocket> handshakes_v6{};

    /// Port zero: any that is free for both. Errors: as UdpSocket::open; a family that the kernel lacks is left out, not both.
    static system::OsResult<Sockets> open(Port port, Mark mark, bool offloads = true);
    /// Errors: as UdpSocket::set_mark.
    system::OsResult<void> set_mark(Mark mark);
    [[nodiscard]] Port port() const { return v4 ? v4->port() : v6->port(); }
    /// Sends everything, receives data.
    [[nodiscard]] system::UdpSocket* of(Family family);
    [[nodiscard]] system::UdpSocket* handshakes_of(Family family);
    [[nodiscard]] std::vector<system::UdpSocket*> all();
};

/// What loops and control share. Every member is safe to use from all threads.
struct LoopShared {
    LoopShared(TunDevice& the_device, Sockets& the_sockets, int the_stop_fd, std::function<void()> wake_control)
        : device(the_device), sockets(the_sockets), stop_fd(the_stop_fd), wake(std::move(wake_control)) {
        complaints_.reserve(complaints_max);
    }

    TunDevice& device;
    Sockets& sockets;
    const int stop_fd;                ///< readable when loops must end
    const std::function<void()> wake; ///< wakes the control thread
    HandshakeQueue handshakes;
    std::atomic<bool> stopping{false}; ///< set before the stop descriptor: a loop under load never looks at that
    std::atomic<bool> interface_gone{false};
    std::atomic<bool> source_stale{false}; ///< a datagram left from another address than its path says

    static constexpr std::size_t complaints_max = 64;
    /// The network's complaints that control has not read yet; what is over so many is dropped.
    void complain(const system::UnreachableReport& report);
    [[nodiscard]] std::vector<system::UnreachableReport> take_complaints();
    /// Takes over what a socket has come across.
    void fetch_complaints(system::UdpSocket& socket);

    /// Datagrams that the kernel did not take, packets that the interface did not.
    std::atomic<std::uint64_t> unsent{0};
    std::atomic<std::uint64_t> undelivered{0};

    /// Notes what a send could not do. Any thread.
    void note(const system::SendReport& report, system::UdpSocket& socket);

  private:
    std::mutex complaints_lock_;
    std::vector<system::UnreachableReport> complaints_;
};

/// TUN -> UDP, for any number of threads: packets leave in the order that they were read in.
class OutboundLoop {
  public:
    OutboundLoop(LoopShared& shared, std::size_t threads, HandOver hand_over);
    ~OutboundLoop();
    /// What each thread runs. Returns when told to stop, or when the interface is gone.
    void run(DataPlane::Worker& worker);

  private:
    class Jobs;
    LoopShared& shared_;
    std::unique_ptr<Jobs> jobs_;
    bool drained_ = true; ///< the leader's: it slept last, or should now
};

/// UDP -> TUN, of one socket, likewise.
class InboundLoop {
  public:
    InboundLoop(LoopShared& shared, system::UdpSocket& socket, std::size_t threads, HandOver hand_over);
    ~InboundLoop();
    void run(DataPlane::Worker& worker);

  private:
    class Jobs;
    LoopShared& shared_;
    system::UdpSocket& socket_;
    std::unique_ptr<Jobs> jobs_;
    bool drained_ = true;
    std::atomic<bool> gone_{false};
};

} // namespace vpn::tun
