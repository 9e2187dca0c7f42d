#include "tun/packet_loops.hpp"

#include "common/system/clocks.hpp"

#include <poll.h>

#include <array>
#include <cerrno>

namespace vpn::tun {
namespace {

constexpr std::size_t batch_size = 64;
constexpr std::size_t largest_datagram = 65535;
constexpr int port_attempts = 16;

enum class Woken : std::uint8_t { readable, stop };

/// Sleeps until there is something to read, or an error to fetch, or the loop must end.
Woken wait_for(int fd, int stop_fd) {
    std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{stop_fd, POLLIN, 0}};
    while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    return fds[1].revents != 0 ? Woken::stop : Woken::readable;
}

/// The datagrams of one batch, each with its place in a slab that is made once.
class SendBuffer {
  public:
    explicit SendBuffer(std::size_t largest_packet)
        : stride_(largest_packet + protocol::data_overhead + protocol::padding_multiple), slab_(batch_size * stride_) {
        v4_.reserve(batch_size);
        v6_.reserve(batch_size);
    }
    [[nodiscard]] MutableBytes slot(std::size_t i) { return MutableBytes(slab_).subspan(i * stride_, stride_); }
    void add(const Sealed& sealed) { (sealed.path.remote.address.is_v4() ? v4_ : v6_).push_back({sealed.datagram, sealed.path}); }
    void flush(LoopShared& shared) {
        for (auto* datagrams : {&v4_, &v6_}) {
            if (datagrams->empty()) continue;
            if (system::UdpSocket* socket = shared.sockets.of(datagrams == &v4_ ? Family::v4 : Family::v6))
                shared.note(socket->send(*datagrams), *socket);
            else
                shared.unsent.fetch_add(datagrams->size());
            datagrams->clear();
        }
    }

  private:
    std::size_t stride_;
    ByteVector slab_;
    std::vector<system::OutgoingDatagram> v4_;
    std::vector<system::OutgoingDatagram> v6_;
};

/// Tells the sender at once that its packet goes nowhere. The answer comes from the address that can't be reached, since the
/// kernel takes no packet from outside that bears an address of its own.
void answer_unreachable(LoopShared& shared, Bytes packet, protocol::Drop why) {
    const auto ip = protocol::parse_ip_packet(packet);
    if (!ip) return;
    const auto reason = why == protocol::Drop::no_route ? protocol::Unreachable::no_route : protocol::Unreachable::host;
    const ByteVector answer = protocol::make_unreachable(*ip, ip->destination, reason);
    const Bytes view = answer;
    if (!answer.empty()) shared.device.write({&view, 1});
}

} // namespace

system::OsResult<Sockets> Sockets::open(Port port, Mark mark) {
    for (int attempt = 1;; ++attempt) {
        Sockets sockets;
        auto v4 = system::UdpSocket::open(Family::v4, port, mark);
        if (v4) sockets.v4 = std::move(*v4);
        auto v6 = system::UdpSocket::open(Family::v6, sockets.v4 ? sockets.v4->port() : port, mark);
        if (v6) sockets.v6 = std::move(*v6);

        const auto lacks_family = [](const system::OsError& error) { return is_errno(error, EAFNOSUPPORT); };
        const bool v4_ok = v4 || lacks_family(v4.error());
        const bool v6_ok = v6 || lacks_family(v6.error());
        if (v4_ok && v6_ok && (v4 || v6)) return sockets;
        const bool another_may_be_free = port.value == 0 && v4 && is_errno(v6.error(), EADDRINUSE);
        if (!another_may_be_free || attempt == port_attempts) return tl::unexpected(v4_ok && !v6 ? v6.error() : v4.error());
    }
}

system::UdpSocket* Sockets::of(Family family) {
    auto& socket = family == Family::v4 ? v4 : v6;
    return socket ? &*socket : nullptr;
}

void LoopShared::complain(const system::UnreachableReport& report) {
    const std::lock_guard lock(complaints_lock_);
    if (complaints_.size() < 64) complaints_.push_back(report);
}

std::vector<system::UnreachableReport> LoopShared::take_complaints() {
    const std::lock_guard lock(complaints_lock_);
    return std::exchange(complaints_, {});
}

void LoopShared::note(const system::SendReport& report, system::UdpSocket& socket) {
    unsent.fetch_add(report.dropped(), std::memory_order_relaxed);
    if (report.stale_source > 0 && !source_stale.exchange(true)) wake();
    if (!report.errors_pending) return;
    socket.drain_errors([this](const system::UnreachableReport& each) { complain(each); });
    wake();
}

void outbound_loop(LoopShared& shared, DataPlane::Worker& worker, std::size_t mtu) {
    PacketBatch batch(batch_size, mtu);
    SendBuffer sending(mtu);
    while (wait_for(shared.device.fd(), shared.stop_fd) != Woken::stop) {
        batch.clear();
        if (shared.device.read(batch).gone) {
            shared.interface_gone.store(true);
            return shared.wake();
        }
        const Boot now = system::now().boot;
        {
            const auto guard = worker.enter();
            for (std::size_t i = 0; i < batch.size(); ++i) {
                const Outgoing outgoing = worker.seal(batch.packets()[i], sending.slot(i), now);
                if (const auto* sealed = std::get_if<Sealed>(&outgoing)) {
                    sending.add(*sealed);
                } else if (const auto* drop = std::get_if<protocol::Drop>(&outgoing)) {
                    answer_unreachable(shared, batch.packets()[i], *drop);
                }
            }
        }
        sending.flush(shared);
    }
}

void inbound_loop(LoopShared& shared, DataPlane::Worker& worker, system::UdpSocket& socket) {
    system::IncomingBatch batch(batch_size, largest_datagram);
    std::vector<Bytes> deliver;
    deliver.reserve(batch_size);
    while (wait_for(socket.fd(), shared.stop_fd) != Woken::stop) {
        const auto received = socket.receive(batch);
        if (!received || *received == 0) {
            bool complained = false;
            socket.drain_errors([&](const system::UnreachableReport& each) { shared.complain(each), complained = true; });
            if (complained) shared.wake();
        }
        for (std::size_t i = 0; i < batch.truncated(); ++i) worker.count(protocol::Drop::malformed);
        const Boot now = system::now().boot;
        deliver.clear();
        {
            const auto guard = worker.enter();
            for (const system::IncomingDatagram& datagram : batch.datagrams()) {
                const Incoming incoming = worker.open(datagram.bytes, datagram.path, now);
                if (const auto* packet = std::get_if<Deliver>(&incoming)) {
                    deliver.push_back(packet->packet);
                } else if (std::holds_alternative<Handshake>(incoming)) {
                    bool first = false;
                    if (!shared.handshakes.push(datagram.bytes, datagram.path, first)) worker.count(protocol::Drop::queue_full);
                    if (first) shared.wake();
                }
            }
        }
        const TunWriteReport written = shared.device.write(deliver);
        shared.undelivered.fetch_add(deliver.size() - written.written, std::memory_order_relaxed);
        if (written.gone) {
            shared.interface_gone.store(true);
            return shared.wake();
        }
    }
}

} // namespace vpn::tun
