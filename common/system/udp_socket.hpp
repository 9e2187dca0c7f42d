// The data path's socket: many datagrams a system call, each with the way it came or goes; one bad datagram never sinks its
// batch. DATAPATH 2 (without the offloads), THREATS "ENOBUFS, EAGAIN, ...". Refuses to know: what the datagrams mean, and who
// they are for.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/path.hpp"
#include "common/base/strong.hpp"
#include "common/system/datagram_batch.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <system_error>

namespace vpn::system {

/// What became of the datagrams of one send.
struct SendReport {
    std::size_t sent = 0;
    std::size_t no_buffers = 0;    ///< dropped: ENOBUFS, several times over
    std::size_t would_block = 0;   ///< dropped: the socket's buffer stayed full
    std::size_t unreachable = 0;   ///< dropped: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN
    std::size_t too_big = 0;       ///< dropped: EMSGSIZE
    std::size_t not_permitted = 0; ///< dropped: EPERM, EACCES (a firewall, or broadcast)
    std::size_t other = 0;         ///< dropped: any other errno
    /// Among `sent`: the path's local address is no longer ours, so the kernel chose one.
    std::size_t stale_source = 0;
    /// Reports wait for drain_errors.
    bool errors_pending = false;

    [[nodiscard]] std::size_t dropped() const { return no_buffers + would_block + unreachable + too_big + not_permitted + other; }
    SendReport& operator+=(const SendReport& other_report);
};

/// The network's answer to a datagram of ours (ICMP). Anybody can forge one: a hint, no more.
struct UnreachableReport {
    enum class Reason : std::uint8_t { port, host, net, prohibited, too_big, other };
    Endpoint destination;
    Reason reason = Reason::other;
    int mtu = 0; ///< for too_big
    friend bool operator==(const UnreachableReport&, const UnreachableReport&) = default;
};

/// Thread-safe: any thread may send, receive (each into its own batch) and drain errors at the same time. Move it only before
/// that.
class UdpSocket {
  public:
    /// Bound to every address of one family; an IPv6 socket takes no IPv4. Port zero: any.
    /// Errors: EADDRINUSE if the port is taken; EAFNOSUPPORT; EPERM for a mark without CAP_NET_ADMIN.
    static OsResult<UdpSocket> open(Family family, Port port, Mark mark);
    /// Opens another on the same port, that gets from now on whatever does not begin with `kept`, into room of its own: a flood
    /// of that takes none of this one's. Nobody else can join them unless he is of the same user and asks for it.
    /// Errors: as `open`; a kernel that can't tell them apart. Then all still comes to this one.
    OsResult<UdpSocket> split_off(std::byte kept, Mark mark);
    UdpSocket(UdpSocket&&) noexcept;
    UdpSocket& operator=(UdpSocket&&) noexcept;
    ~UdpSocket();

    /// Non-blocking.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] Port port() const { return port_; }
    [[nodiscard]] Family family() const { return family_; }

    /// What leaves from now on bears another mark; zero is none. Errors: EPERM without CAP_NET_ADMIN.
    OsResult<void> set_mark(Mark mark);

    /// Off: never UDP_SEGMENT nor UDP_GRO, but one datagram each. Sending falls back by itself where the kernel or a link
    /// refuses.
    void use_offloads(bool on);

    /// Takes what is there into `batch`, without waiting; the number of datagrams in it. Zero: nothing is there, or it was all
    /// truncated. ICMP errors that interrupt are kept for drain_errors.
    Result<std::size_t, std::error_code> receive(IncomingBatch& batch);

    /// Sends all that can be sent, in order. Waits at most a moment (50 ms) for room, once.
    /// From each path's local address, by whatever interface the route to `remote` now takes.
    SendReport send(std::span<const OutgoingDatagram> datagrams);

    /// The same for datagrams that nobody on the way may cut in pieces, this machine neither: what is too large for the link is
    /// dropped and counted, whatever is believed of the path. The option is the socket's, not a datagram's: what other threads
    /// send in that moment isn't cut either.
    SendReport send_whole(std::span<const OutgoingDatagram> datagrams);

    /// A send or receive came across complaints that nobody has drained.
    [[nodiscard]] bool errors_pending() const;
    /// Hands over the network's complaints: those that sends and receives came across and those still waiting.
    void drain_errors(const std::function<void(const UnreachableReport&)>& callback);

  private:
    struct Errors;
    class Sending;
    UdpSocket(UniqueFd fd, Family family, Port port);
    static OsResult<UdpSocket> open_beside(Family family, Port port, Mark mark, bool another);
    bool collect_errors();

    UniqueFd fd_;
    Family family_;
    Port port_;
    std::unique_ptr<Errors> errors_; ///< also whether UDP_SEGMENT works: what threads share
};

} // namespace vpn::system
