#include "common/system/udp_socket.hpp"

#include "common/system/complaints.hpp"
#include "common/system/datagram_storage.hpp"

#include <linux/filter.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <thread>

namespace vpn::system {
namespace {

constexpr int buffer_size = 4 << 20;
constexpr int patience_ms = 50;
constexpr int tries_without_buffers = 4;
constexpr int tries_of_receive = 4;
/// Runs that a kernel finds invalid one after the other, before no more are sent. Kernels before 6.14 say so of a path that is
/// too narrow, as any peer's may be; others say EMSGSIZE to that.
constexpr int refusals_in_a_row = 16;
/// Complaints looked at in one go; a flood of them must not keep a data thread.
constexpr int complaints_at_once = 64;

int set_option(int fd, int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

void raise_buffers(int fd) {
    if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_size) != 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, buffer_size);
    if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer_size) != 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, buffer_size);
}

/// The first errno among the options that the socket can't do without.
int set_options(int fd, Family family) {
    std::array<int, 5> errors{};
    if (family == Family::v4) {
        errors = {set_option(fd, IPPROTO_IP, IP_PKTINFO, 1), set_option(fd, IPPROTO_IP, IP_RECVERR, 1),
                  set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT), set_option(fd, IPPROTO_IP, IP_RECVTOS, 1)};
    } else {
        errors = {set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1),
                  set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1),
                  set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT),
                  set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)};
    }
    const auto* error = std::ranges::find_if(errors, [](int each) { return each != 0; });
    return error == errors.end() ? 0 : *error;
}

OsResult<void> mark_packets(int fd, Mark mark) {
    const int error = set_option(fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark.value));
    if (error != 0) return os_failed("cannot mark packets", error);
    return {};
}

int bind_to_port(int fd, Family family, Port port) {
    SocketAddress address;
    const IpAddress any = family == Family::v4 ? to_address(in_addr{}) : to_address(in6_addr{});
    const socklen_t length = write_socket_address({any, port, 0}, address);
    return ::bind(fd, &address.any, length) == 0 ? 0 : errno;
}

int share_port(int fd, bool on) { return set_option(fd, SOL_SOCKET, SO_REUSEPORT, on ? 1 : 0); }

/// Of the sockets that share a port, the first gets what begins with `kept`, the second the rest.
int choose_by_first_byte(int fd, std::byte kept) {
    std::array<sock_filter, 4> code{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(kept), 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 1)}};
    const sock_fprog program{code.size(), code.data()};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0 ? 0 : errno;
}

std::optional<Endpoint> bound_endpoint(int fd) {
    SocketAddress address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, &address.any, &length) != 0) return std::nullopt;
    return to_endpoint(address);
}

/// What the kernel says to a source address that is not, or not there, ours. Which one depends on its version.
bool may_be_the_source(int error) {
    return error == EINVAL || error == ENODEV || error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL;
}

/// The counter of datagrams dropped for this errno.
std::size_t& counter_of(SendReport& report, int error) {
    switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL: return report.unreachable; // no address of ours can reach it
    case EMSGSIZE: return report.too_big;
    case EPERM:
    case EACCES: return report.not_permitted;
    case ENOBUFS:
    case ENOMEM: return report.no_buffers;
    default: return report.other;
    }
}

} // namespace

/// Complaints that came up while sending or receiving, until somebody asks for them. Those beyond are forgotten.
struct UdpSocket::Errors {
    std::mutex mutex;
    std::array<UnreachableReport, 64> kept;
    std::atomic<std::size_t> count = 0; // read without the mutex too
    std::atomic<bool> segmentation = false;
    std::atomic<int> runs_refused = 0; // since one was taken

    void keep(const UnreachableReport& report) {
        const std::lock_guard lock(mutex);
        if (count < kept.size()) kept.at(count++) = report;
    }
};

/// One send: where it is in the batch, and what it has tried for the datagram that it is at.
class UdpSocket::Sending {
  public:
    Sending(UdpSocket& socket, std::span<const OutgoingDatagram> datagrams) : socket_(socket), rest_(datagrams) {}

    SendReport run() {
        while (!rest_.empty() && !given_up_) send_chunk(rest_.first(std::min(rest_.size(), OutgoingChunk::capacity)));
        for (const OutgoingDatagram& each : rest_) report_.would_block += each.count();
        return report_;
    }

  private:
    struct Tried {
        int without_buffers = 0;
        bool again = false;
        bool without_source = false;
    };

    void send_chunk(std::span<const OutgoingDatagram> datagrams) {
        chunk_.prepare(datagrams);
        at_ = 0;
        while (at_ < datagrams.size() && !given_up_) {
            const std::size_t count = sendable(datagrams.subspan(at_));
            if (count == 0) {
                send_singly();
                continue;
            }
            const int sent = ::sendmmsg(socket_.fd(), &chunk_.headers.at(at_), static_cast<unsigned>(count), MSG_DONTWAIT);
            if (sent > 0) {
                advance(static_cast<std::size_t>(sent));
            } else {
                handle_error(errno);
            }
        }
        rest_ = rest_.subspan(at_);
    }

    /// How many of them may go as they are: all, or those before the first run.
    [[nodiscard]] std::size_t sendable(std::span<const OutgoingDatagram> datagrams) const {
        if (socket_.errors_->segmentation.load(std::memory_order_relaxed)) return datagrams.size();
        const auto run = std::ranges::find_if(datagrams, [](const OutgoingDatagram& each) { return each.segment_size != 0; });
        return static_cast<std::size_t>(run - datagrams.begin());
    }

    void advance(std::size_t sent) {
        for (std::size_t i = at_; i < at_ + sent; ++i) {
            report_.sent += rest_[i].count();
            if (rest_[i].segment_size != 0 && socket_.errors_->runs_refused.load(std::memory_order_relaxed) != 0)
                socket_.errors_->runs_refused.store(0);
        }
        if (tried_.without_source) ++report_.stale_source;
        at_ += sent;
        tried_ = {};
    }

    void skip(int error) {
        counter_of(report_, error) += rest_[at_].count();
        ++at_;
        tried_ = {};
    }

    /// The datagrams that were to go as one, one by one; the number that was sent.
    std::size_t send_singly() {
        const OutgoingDatagram& together = rest_[at_];
        std::array<OutgoingDatagram, OutgoingChunk::capacity> singles;
        SendReport report;
        for (Bytes left = together.bytes; !left.empty();) {
            std::size_t count = 0;
            for (; count < singles.size() && !left.empty(); ++count) {
                const Bytes single = left.first(std::min(together.segment_size, left.size()));
                singles.at(count) = {single, together.path, 0, together.ecn};
                left = left.subspan(single.size());
            }
            Sending sending(socket_, std::span(singles).first(count));
            sending.waited_ = waited_; // one moment for all
            sending.given_up_ = given_up_;
            report += sending.run();
            waited_ = sending.waited_;
            given_up_ = sending.given_up_;
        }
        report_ += report;
        ++at_;
        tried_ = {};
        return report.sent;
    }

    /// Sends a run in pieces that the kernel refuses with `error`, and remembers what that says of all runs.
    void replay(int error) {
        const std::size_t sent = send_singly();
        if (sent == 0) return; // it was not for being a run
        Errors& shared = *socket_.errors_;
        // A way without checksumming, or encrypted, says EIO. EMSGSIZE is this path's only.
        if (error == EIO || (error == EINVAL && shared.runs_refused.fetch_add(1) + 1 >= refusals_in_a_row))
            shared.segmentation.store(false);
    }

    /// Leaves everything as it is to try again, skips the datagram, or gives up.
    void handle_error(int error) {
        switch (error) {
        case EINTR: return;
        case EAGAIN: return wait_for_room();
        case ENOBUFS:
        case ENOMEM:
            if (++tried_.without_buffers >= tries_without_buffers) return skip(error);
            return std::this_thread::yield();
        default:
            // It may be another datagram's: an ICMP error fails whatever is sent next, to whomever.
            if (!std::exchange(tried_.again, true)) return collect();
            if (wants_source(rest_[at_].path) && !tried_.without_source && may_be_the_source(error)) {
                chunk_.drop_source(at_, rest_[at_]);
                tried_.without_source = true;
                return;
            }
            if (rest_[at_].segment_size == 0) return skip(error);
            replay(error);
        }
    }

    void collect() {
        if (socket_.collect_errors()) report_.errors_pending = true;
    }

    void wait_for_room() {
        if (std::exchange(waited_, true)) {
            given_up_ = true;
            return;
        }
        pollfd room{socket_.fd(), POLLOUT, 0};
        ::poll(&room, 1, patience_ms);
    }

    UdpSocket& socket_;
    std::span<const OutgoingDatagram> rest_;
    SendReport report_;
    OutgoingChunk chunk_; // left uninitialised beyond what is sent
    std::size_t at_ = 0;
    Tried tried_;
    bool waited_ = false;
    bool given_up_ = false;
};

SendReport& SendReport::operator+=(const SendReport& other_report) {
    sent += other_report.sent;
    no_buffers += other_report.no_buffers;
    would_block += other_report.would_block;
    unreachable += other_report.unreachable;
    too_big += other_report.too_big;
    not_permitted += other_report.not_permitted;
    other += other_report.other;
    stale_source += other_report.stale_source;
    errors_pending = errors_pending || other_report.errors_pending;
    return *this;
}

UdpSocket::UdpSocket(UniqueFd fd, Family family, Port port)
    : fd_(std::move(fd)), family_(family), port_(port), errors_(std::make_unique<Errors>()) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

OsResult<UdpSocket> UdpSocket::open(Family family, Port port, Mark mark) { return open_beside(family, port, mark, false); }

OsResult<UdpSocket> UdpSocket::open_beside(Family family, Port port, Mark mark, bool another) {
    const std::string which = family == Family::v4 ? "IPv4" : "IPv6";
    const std::string what = "cannot open UDP port " + std::to_string(port.value) + " for " + which;
    UniqueFd fd(::socket(address_family(family), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
    if (!fd) return os_failed(what, errno);
    raise_buffers(fd.get());
    if (const int error = set_options(fd.get(), family); error != 0) return os_failed(what, error);
    if (mark.value != 0)
        if (auto marked = mark_packets(fd.get(), mark); !marked) return tl::unexpected(std::move(marked.error()));
    if (const int error = another ? share_port(fd.get(), true) : 0; error != 0) return os_failed(what, error);
    if (const int error = bind_to_port(fd.get(), family, port); error != 0) return os_failed(what, error);
    const auto bound = bound_endpoint(fd.get());
    if (!bound) return os_failed(what, errno);
    UdpSocket socket(std::move(fd), family, bound->port);
    socket.use_offloads(true);
    return socket;
}

OsResult<UdpSocket> UdpSocket::split_off(std::byte kept, Mark mark) {
    // Only now, when the port is ours: a socket that shares from the start would be given one that is taken.
    if (const int error = share_port(fd(), true); error != 0) return os_failed("cannot share a UDP port", error);
    auto second = open_beside(family_, port_, mark, true);
    const int error = second ? choose_by_first_byte(fd(), kept) : 0;
    if (second && error == 0) return second;
    share_port(fd(), false);
    if (!second) return second;
    return os_failed("cannot divide a UDP port", error);
}

OsResult<void> UdpSocket::set_mark(Mark mark) { return mark_packets(fd_.get(), mark); }

void UdpSocket::use_offloads(bool on) {
    set_option(fd_.get(), IPPROTO_UDP, UDP_GRO, on ? 1 : 0); // without it the kernel hands over one datagram each
    // A kernel that does not know the option would ignore it in a send, and send one large datagram.
    errors_->segmentation.store(on && set_option(fd_.get(), IPPROTO_UDP, UDP_SEGMENT, 0) == 0);
    errors_->runs_refused.store(0);
}

Result<std::size_t, std::error_code> UdpSocket::receive(IncomingBatch& batch) {
    auto& storage = *batch.storage_;
    storage.rearm();
    int got = -1;
    for (int tries = tries_of_receive; got < 0 && tries > 0; --tries) {
        got = ::recvmmsg(fd_.get(), storage.headers.data(), static_cast<unsigned>(storage.headers.size()), MSG_DONTWAIT, nullptr);
        if (got >= 0) break;
        const int error = errno;
        if (error == EAGAIN) return 0;
        if (error == EBADF || error == ENOTSOCK || error == EFAULT)
            return tl::unexpected(std::error_code(error, std::generic_category()));
        if (error != EINTR) collect_errors();
    }
    storage.used = static_cast<std::size_t>(std::max(got, 0));
    for (std::size_t i = 0; i < storage.used; ++i) {
        const mmsghdr& header = storage.headers[i];
        const auto remote = to_endpoint(storage.addresses[i]);
        if ((header.msg_hdr.msg_flags & MSG_TRUNC) != 0 || !remote) continue;
        const MutableBytes slot(static_cast<std::byte*>(storage.vectors[i].iov_base), header.msg_len);
        const std::size_t segment = segment_size_of(header.msg_hdr);
        storage.datagrams[storage.count++] = {
            slot, {*remote, local_source_of(header.msg_hdr)}, segment == 0 ? slot.size() : segment, ecn_of(header.msg_hdr)};
    }
    return storage.count;
}

SendReport UdpSocket::send(std::span<const OutgoingDatagram> datagrams) { return Sending(*this, datagrams).run(); }

/// Moves what the kernel complains of to where drain_errors finds it. True if there was anything.
bool UdpSocket::collect_errors() {
    bool any = false;
    for (int i = 0; i < complaints_at_once; ++i) {
        const auto complaint = next_complaint(fd_.get());
        if (!complaint) break;
        any = true;
        if (*complaint) errors_->keep(**complaint);
    }
    return any;
}

SendReport UdpSocket::send_whole(std::span<const OutgoingDatagram> datagrams) {
    static_assert(IP_PMTUDISC_PROBE == IPV6_PMTUDISC_PROBE && IP_PMTUDISC_DONT == IPV6_PMTUDISC_DONT);
    const auto discover = [this](int how) {
        const bool v4 = family_ == Family::v4;
        set_option(fd(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, how);
    };
    discover(IP_PMTUDISC_PROBE);
    const SendReport report = send(datagrams);
    discover(IP_PMTUDISC_DONT);
    return report;
}

bool UdpSocket::errors_pending() const { return errors_->count > 0; }

void UdpSocket::drain_errors(const std::function<void(const UnreachableReport&)>& callback) {
    collect_errors();
    std::array<UnreachableReport, 64> taken;
    std::size_t count = 0;
    {
        const std::lock_guard lock(errors_->mutex);
        count = errors_->count.exchange(0);
        std::copy_n(errors_->kept.begin(), count, taken.begin());
    }
    for (std::size_t i = 0; i < count; ++i) callback(taken.at(i));
}

} // namespace vpn::system
