#include "tun/packet_loops.hpp"

#include "common/system/clocks.hpp"

#include <poll.h>

#include <array>
#include <cerrno>

namespace vpn::tun {
namespace {

/// Eight super-packets, sealed: what one flush sends at most.
constexpr std::size_t send_buffer_size = std::size_t{8} * 72 * 1024;
constexpr std::size_t receive_slots = 8;
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

void flush(SendBuffer& buffer, LoopShared& shared) {
    for (const Family family : {Family::v4, Family::v6}) {
        const auto runs = buffer.runs(family);
        if (runs.empty()) continue;
        if (system::UdpSocket* socket = shared.sockets.of(family)) {
            shared.note(socket->send(runs), *socket);
        } else {
            for (const system::OutgoingDatagram& run : runs) shared.unsent.fetch_add(run.count());
        }
    }
    buffer.clear();
}

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

namespace {

/// Seals what one read brought, or says why not.
void seal_read(LoopShared& shared, DataPlane::Worker& worker, const TunRead& read, SendBuffer& sending, Boot now) {
    auto packets = offload::Splitter::over(read.header, read.packet);
    if (!packets) return worker.count(protocol::Drop::not_ip);
    if (DataPlane::Worker::room_for(*packets) > sending.room())
        return worker.count(protocol::Drop::unsent); // no kernel segments so small
    const Outgoing outgoing = worker.seal(*packets, sending, now);
    if (const auto* drop = std::get_if<protocol::Drop>(&outgoing)) answer_unreachable(shared, read.packet, *drop);
}

} // namespace

void outbound_loop(LoopShared& shared, DataPlane::Worker& worker) {
    ByteVector read_buffer(TunDevice::read_buffer_size);
    SendBuffer sending(send_buffer_size);
    bool drained = true;
    while (!shared.stopping.load(std::memory_order_relaxed)) {
        if (drained && wait_for(shared.device.fd(), shared.stop_fd) == Woken::stop) return;
        const Boot now = system::now().boot;
        drained = false;
        {
            const auto guard = worker.enter();
            // Until the device is empty or the buffer may not hold one more read.
            while (!drained && sending.room() > send_buffer_size / 8) {
                const TunRead read = shared.device.read(read_buffer);
                if (read.gone) {
                    shared.interface_gone.store(true);
                    return shared.wake();
                }
                drained = read.packet.empty();
                if (!drained) seal_read(shared, worker, read, sending, now);
            }
        }
        flush(sending, shared);
    }
}

namespace {

/// Opens one datagram and hands on what it holds.
void open_datagram(LoopShared& shared, DataPlane::Worker& worker, MutableBytes datagram, const Path& from, Boot now,
                   offload::Coalescer& deliver) {
    const Incoming incoming = worker.open(datagram, from, now);
    if (const auto* packet = std::get_if<Deliver>(&incoming)) {
        deliver.add(packet->packet);
    } else if (std::holds_alternative<Handshake>(incoming)) {
        bool first = false;
        if (!shared.handshakes.push(datagram, from, first)) worker.count(protocol::Drop::queue_full);
        if (first) shared.wake();
    }
}

} // namespace

void inbound_loop(LoopShared& shared, DataPlane::Worker& worker, system::UdpSocket& socket) {
    system::IncomingBatch batch(receive_slots, largest_datagram);
    offload::Coalescer deliver(shared.device.features());
    bool drained = true;
    while (!shared.stopping.load(std::memory_order_relaxed)) {
        if (drained && wait_for(socket.fd(), shared.stop_fd) == Woken::stop) return;
        const auto received = socket.receive(batch);
        drained = !received || *received < receive_slots;
        if (!received || *received == 0 || socket.errors_pending()) {
            bool complained = false;
            socket.drain_errors([&](const system::UnreachableReport& each) { shared.complain(each), complained = true; });
            if (complained) shared.wake();
        }
        for (std::size_t i = 0; i < batch.truncated(); ++i) worker.count(protocol::Drop::malformed);
        const Boot now = system::now().boot;
        deliver.clear();
        deliver.set_features(shared.device.features());
        {
            const auto guard = worker.enter();
            for (const system::IncomingDatagram& datagram : batch.datagrams()) {
                for (std::size_t at = 0; at < datagram.bytes.size() || at == 0; at += datagram.segment_size) {
                    const std::size_t size = std::min(datagram.segment_size, datagram.bytes.size() - at);
                    open_datagram(shared, worker, datagram.bytes.subspan(at, size), datagram.path, now, deliver);
                    if (datagram.segment_size == 0) break; // an empty datagram
                }
            }
        }
        deliver.finish();
        const TunWriteReport written = shared.device.write(deliver);
        shared.undelivered.fetch_add(written.down + written.full + written.refused, std::memory_order_relaxed);
        if (written.gone) {
            shared.interface_gone.store(true);
            return shared.wake();
        }
    }
}

} // namespace vpn::tun
