#include "tun/packet_loops.hpp"

#include "common/base/slab.hpp"
#include "common/system/clocks.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <numeric>

namespace vpn::tun {
namespace {

constexpr std::size_t largest_packet = 65535;
/// What one outbound job takes before it leaves the rest to the next: two super-packets, or so many small ones.
constexpr std::size_t read_at_once = 2 * largest_packet;
constexpr std::size_t packets_at_once = 256;
constexpr std::size_t receive_slots = 8;
/// Of an outbound job, each with an end of its own: many destinations at once would all wait for each other otherwise.
constexpr std::size_t outbound_parts = 4;
/// Beside the one that each thread has in hand: done, and waiting for its turn to leave. Not more: a job that a thread is slow to
/// send is overtaken by those of other lanes, which may be the same peer's, and its counters must not fall out of the peer's
/// window. The same for one that a thread is slow to open: all jobs together are of fewer datagrams than a window, but for what
/// was lost between them, where a receive queue overflows; then it shares that loss.
constexpr std::size_t spare_jobs = 2;
constexpr int port_attempts = 16;

/// Sleeps until there is something to read, or an error to fetch, or the loop must end.
void wait_for(int fd, int stop_fd) {
    std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{stop_fd, POLLIN, 0}};
    while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
}

std::optional<system::UdpSocket> split_handshakes_off(system::UdpSocket& socket, Mark mark) {
    auto second = socket.split_off(static_cast<std::byte>(protocol::data_type), mark);
    if (!second) return std::nullopt;
    return std::move(*second);
}

} // namespace

system::OsResult<Sockets> Sockets::open(Port port, Mark mark, bool offloads) {
    for (int attempt = 1;; ++attempt) {
        Sockets sockets;
        auto v4 = system::UdpSocket::open(Family::v4, port, mark);
        if (v4) sockets.v4 = std::move(*v4);
        auto v6 = system::UdpSocket::open(Family::v6, sockets.v4 ? sockets.v4->port() : port, mark);
        if (v6) sockets.v6 = std::move(*v6);

        const auto lacks_family = [](const system::OsError& error) { return is_errno(error, EAFNOSUPPORT); };
        const bool v4_ok = v4 || lacks_family(v4.error());
        const bool v6_ok = v6 || lacks_family(v6.error());
        if (v4_ok && v6_ok && (v4 || v6)) {
            if (sockets.v4) sockets.handshakes_v4 = split_handshakes_off(*sockets.v4, mark);
            if (sockets.v6) sockets.handshakes_v6 = split_handshakes_off(*sockets.v6, mark);
            for (system::UdpSocket* socket : sockets.all()) socket->use_offloads(offloads);
            return sockets;
        }
        const bool another_may_be_free = port.value == 0 && v4 && is_errno(v6.error(), EADDRINUSE);
        if (!another_may_be_free || attempt == port_attempts) return tl::unexpected(v4_ok && !v6 ? v6.error() : v4.error());
    }
}

system::OsResult<void> Sockets::set_mark(Mark mark) {
    for (system::UdpSocket* socket : all())
        if (auto set = socket->set_mark(mark); !set) return set;
    return {};
}

system::UdpSocket* Sockets::of(Family family) {
    auto& socket = family == Family::v4 ? v4 : v6;
    return socket ? &*socket : nullptr;
}

system::UdpSocket* Sockets::handshakes_of(Family family) {
    auto& socket = family == Family::v4 ? handshakes_v4 : handshakes_v6;
    return socket ? &*socket : nullptr;
}

std::vector<system::UdpSocket*> Sockets::all() {
    std::vector<system::UdpSocket*> sockets;
    for (auto* socket : {&v4, &v6, &handshakes_v4, &handshakes_v6})
        if (*socket) sockets.push_back(&**socket);
    return sockets;
}

void LoopShared::complain(const system::UnreachableReport& report) {
    const std::lock_guard lock(complaints_lock_);
    if (complaints_.size() < complaints_max) complaints_.push_back(report); // there is room: see take_complaints
}

std::vector<system::UnreachableReport> LoopShared::take_complaints() {
    std::vector<system::UnreachableReport> taken;
    taken.reserve(complaints_max);
    const std::lock_guard lock(complaints_lock_);
    taken.swap(complaints_);
    return taken;
}

void LoopShared::note(const system::SendReport& report, system::UdpSocket& socket) {
    unsent.fetch_add(report.dropped(), std::memory_order_relaxed);
    if (report.stale_source > 0 && !source_stale.exchange(true)) wake();
    if (!report.errors_pending) return;
    fetch_complaints(socket);
}

void LoopShared::fetch_complaints(system::UdpSocket& socket) {
    bool any = false;
    socket.drain_errors([&](const system::UnreachableReport& each) { complain(each), any = true; });
    if (any) wake();
}

namespace {

// --- TUN -> UDP --------------------------------------------------------------------------------------------------------------

/// What was read in one go, then what is to be sent of it.
class OutboundJob {
  public:
    OutboundJob() : slab_(read_at_once + TunDevice::read_buffer_size) {
        reads_.reserve(packets_at_once), destinations_.reserve(packets_at_once);
        for (Part& part : parts_) part.sealed_on.reserve(packets_at_once), part.left.reserve(packets_at_once);
    }

    /// Reads until the device is empty or the job is full. What goes to one inner address has one lane: a flow, by whatever peer
    /// and session. What is no IP packet goes nowhere.
    Taken take(LoopShared& shared, Lanes& lanes) {
        reads_.clear();
        destinations_.clear();
        std::size_t used = 0;
        while (used < read_at_once && reads_.size() < packets_at_once) {
            const TunRead read = shared.device.read(slab_.bytes().subspan(used));
            if (read.gone) {
                shared.interface_gone.store(true);
                shared.wake();
                return Taken::stop;
            }
            if (read.packet.empty()) return Taken::all;
            const auto ip = protocol::parse_ip_packet(read.packet);
            reads_.push_back({read, ip ? Lanes::part_of(lanes.add(ip->destination.bytes()), outbound_parts) : 0});
            destinations_.push_back(ip ? ip->destination : IpAddress{});
            used = static_cast<std::size_t>(read.packet.data() - slab_.bytes().data()) + read.packet.size() +
                   offload::Splitter::tail_room;
        }
        return Taken::more;
    }

    /// Seals what has a session, and leaves the rest: what is staged is staged in its turn.
    void seal(DataPlane::Worker& worker) {
        const Boot now = system::now().boot;
        const auto guard = worker.enter();
        for (Part& part : parts_) part.begin(worker.begin_batch());
        std::size_t expected = 0;
        for (std::size_t i = 0; i < reads_.size(); ++i) {
            if (i == expected) expected += worker.expect(parts_.front().batch, std::span(destinations_).subspan(i));
            Read& each = reads_[i];
            Part& part = parts_.at(each.part);
            const Done done = part.has_room ? seal_one(worker, part, each.read, now, &OutboundJob::try_to_seal) : Done::no_room;
            part.has_room = done != Done::no_room;
            if (done != Done::yes) part.left.push_back(&each.read);
        }
    }

    /// Any number of parts at a time.
    void send(LoopShared& shared, DataPlane::Worker& worker, std::size_t number) {
        Part& part = parts_.at(number);
        const Boot now = system::now().boot;
        if (!may_leave(worker, part, now)) drop_sealed(shared, part);
        flush(shared, part);
        if (!part.left.empty()) seal_or_stage_left(shared, worker, part, now);
        flush(shared, part);
        for (const Bytes answer : part.answers) shared.device.write({&answer, 1});
    }

    [[nodiscard]] bool empty() const { return reads_.empty(); }

  private:
    /// A job of usual packets, or one super-packet of segments down to about 40 bytes of payload.
    static constexpr std::size_t sealed_room = 2 * read_at_once;
    enum class Done : std::uint8_t { yes, no_room, no_session };

    struct Read {
        TunRead read;
        std::size_t part;
    };
    /// What goes to the lanes of one part.
    struct Part {
        SendBuffer sending{sealed_room};
        std::vector<protocol::LocalIndex> sealed_on{}; ///< what is in `sending`
        std::vector<TunRead*> left{};                  ///< of the reads
        std::vector<ByteVector> answers{};
        SealBatch batch{};
        bool has_room = true; ///< once it has not, a smaller one may not overtake

        void begin(SealBatch of_now) {
            sending.clear();
            sealed_on.clear();
            left.clear();
            answers.clear();
            batch = std::move(of_now);
            has_room = true;
        }
    };
    using Seal = Outgoing (OutboundJob::*)(DataPlane::Worker&, Part&, offload::Splitter&, Boot);

    Outgoing try_to_seal(DataPlane::Worker& worker, Part& part, offload::Splitter& packets, Boot now) {
        return worker.seal(part.batch, packets, part.sending, now);
    }
    Outgoing seal_or_stage(DataPlane::Worker& worker, Part& part, offload::Splitter& packets, Boot now) {
        return worker.seal_or_stage(packets, part.sending, now);
    }

    /// What memory does not suffice for is dropped.
    Done seal_one(DataPlane::Worker& worker, Part& part, TunRead& read, Boot now, Seal how) {
        try {
            return seal_all_of(worker, part, read, now, how);
        } catch (const std::bad_alloc&) {
            return worker.count(protocol::Drop::no_memory), Done::yes;
        }
    }
    Done seal_all_of(DataPlane::Worker& worker, Part& part, TunRead& read, Boot now, Seal how) {
        auto packets = offload::Splitter::over(read.header, read.packet);
        if (!packets) return worker.count(protocol::Drop::not_ip), Done::yes;
        if (read.header.segmentation == offload::VnetHeader::none) read.header = {}; // its checksum is finished
        if (DataPlane::Worker::room_for(*packets) > part.sending.room()) return Done::no_room;
        const Outgoing outgoing = (this->*how)(worker, part, *packets, now);
        if (const auto* sealed = std::get_if<Sealed>(&outgoing))
            if (part.sealed_on.empty() || part.sealed_on.back() != sealed->session) part.sealed_on.push_back(sealed->session);
        if (const auto* why = std::get_if<protocol::Drop>(&outgoing)) answer_unreachable(part, read.packet, *why);
        return std::holds_alternative<Unready>(outgoing) ? Done::no_session : Done::yes;
    }

    void seal_or_stage_left(LoopShared& shared, DataPlane::Worker& worker, Part& part, Boot now) {
        const auto guard = worker.enter();
        part.batch = worker.begin_batch();
        for (TunRead* read : part.left) {
            if (seal_one(worker, part, *read, now, &OutboundJob::try_to_seal) == Done::yes) continue;
            // What is staged may leave at once; and small segments may be so many that they need a whole buffer.
            flush(shared, part);
            if (seal_one(worker, part, *read, now, &OutboundJob::seal_or_stage) == Done::no_room)
                worker.count(protocol::Drop::unsent); // or more than one: no path has so small an MTU
        }
    }

    /// False: a session ended while the job waited for its turn. Packets that were read before those that are sealed on it may
    /// have been staged since, and wait for the next. Only those of the same flow matter, which are of the same lane, so that no
    /// other thread stages one meanwhile.
    static bool may_leave(DataPlane::Worker& worker, const Part& part, Boot now) {
        const auto guard = worker.enter();
        return std::all_of(part.sealed_on.begin(), part.sealed_on.end(), [&](auto each) { return worker.is_good(each, now); });
    }

    static void flush(LoopShared& shared, Part& part) {
        for (const Family family : {Family::v4, Family::v6}) {
            const auto runs = part.sending.runs(family);
            if (runs.empty()) continue;
            if (system::UdpSocket* socket = shared.sockets.of(family)) {
                shared.note(socket->send(runs), *socket);
            } else {
                shared.unsent.fetch_add(datagrams_in(runs));
            }
        }
        part.sending.clear();
    }

    static void drop_sealed(LoopShared& shared, Part& part) {
        for (const Family family : {Family::v4, Family::v6}) shared.unsent.fetch_add(datagrams_in(part.sending.runs(family)));
        part.sending.clear();
    }

    static std::size_t datagrams_in(std::span<const system::OutgoingDatagram> runs) {
        return std::accumulate(runs.begin(), runs.end(), std::size_t{0},
                               [](std::size_t sum, const auto& run) { return sum + run.count(); });
    }

    /// Tells the sender at once that its packet goes nowhere. The answer comes from the address that can't be reached, since the
    /// kernel takes no packet from outside that bears an address of its own.
    static void answer_unreachable(Part& part, Bytes packet, protocol::Drop why) {
        const auto ip = protocol::parse_ip_packet(packet);
        if (!ip) return;
        const auto reason = why == protocol::Drop::no_route ? protocol::Unreachable::no_route : protocol::Unreachable::host;
        ByteVector answer = protocol::make_unreachable(*ip, ip->destination, reason);
        if (!answer.empty()) part.answers.push_back(std::move(answer));
    }

    Slab slab_;
    std::vector<Read> reads_;
    std::vector<IpAddress> destinations_; ///< of each
    std::array<Part, outbound_parts> parts_;
};

// --- UDP -> TUN --------------------------------------------------------------------------------------------------------------

/// What was received in one go, then what is to be delivered of it.
class InboundJob {
  public:
    InboundJob() : batch_(receive_slots, largest_packet), delivering_({}) {}

    /// What came from one place has one lane: a peer, whatever its sessions. So has what belongs to one session: a peer that
    /// moves. Only one that does both at once, or changes the family, may be overtaken by itself, as it may on the way.
    Taken take(LoopShared& shared, system::UdpSocket& socket, Lanes& lanes) {
        const auto received = socket.receive(batch_);
        const bool none = !received || *received == 0;
        if (none || socket.errors_pending()) shared.fetch_complaints(socket);
        for (const system::IncomingDatagram& datagram : batch_.datagrams())
            if (add_sessions(datagram, lanes)) lanes.add(datagram.path.remote.address.bytes(), datagram.path.remote.port.value);
        return count() == receive_slots ? Taken::more : Taken::all;
    }

    void open(LoopShared& shared, DataPlane::Worker& worker) {
        delivering_.clear();
        delivering_.set_features(shared.device.features());
        for (std::size_t i = 0; i < batch_.truncated(); ++i) worker.count(protocol::Drop::malformed);
        const Boot now = system::now().boot;
        const auto guard = worker.enter();
        std::array<Bytes, receive_slots> first{}; // of each run, which is of one session
        std::ranges::transform(batch_.datagrams(), first.begin(), [](const auto& run) { return Bytes(run.bytes); });
        worker.expect(std::span(first).first(batch_.datagrams().size()));
        for (const system::IncomingDatagram& datagram : batch_.datagrams()) open_all(shared, worker, datagram, now);
        delivering_.finish();
    }

    /// False: the interface is gone.
    bool deliver(LoopShared& shared) {
        const TunWriteReport written = shared.device.write(delivering_);
        shared.undelivered.fetch_add(written.down + written.full + written.refused, std::memory_order_relaxed);
        return !written.gone;
    }

    [[nodiscard]] bool empty() const { return count() == 0; }

  private:
    /// False: there are only handshake messages, which need no order: a flood of them from one place must not make others wait
    /// for each other.
    static bool add_sessions(const system::IncomingDatagram& together, Lanes& lanes) {
        bool any = false;
        for (Bytes rest = together.bytes; rest.size() >= protocol::data_header_size;
             rest = rest.subspan(std::min(together.segment_size, rest.size()))) {
            if (load_le<std::uint32_t>(rest.data()) != protocol::data_type) continue;
            lanes.add(rest.first(sizeof protocol::data_type + sizeof(std::uint32_t))); // and the receiver's index
            any = true;
        }
        return any;
    }
    [[nodiscard]] std::size_t count() const { return batch_.datagrams().size() + batch_.truncated(); }

    /// One datagram, or those that the kernel received as one.
    void open_all(LoopShared& shared, DataPlane::Worker& worker, const system::IncomingDatagram& together, Boot now) {
        MutableBytes rest = together.bytes;
        do {
            const MutableBytes datagram = rest.first(std::min(together.segment_size, rest.size()));
            rest = rest.subspan(datagram.size());
            open_one(shared, worker, datagram, together, now);
        } while (!rest.empty());
    }

    void open_one(LoopShared& shared, DataPlane::Worker& worker, MutableBytes datagram, const system::IncomingDatagram& from,
                  Boot now) {
        const Incoming incoming = worker.open(datagram, from.path, from.ecn, now);
        if (const auto* packet = std::get_if<Deliver>(&incoming)) {
            deliver_later(worker, packet->packet);
        } else if (std::holds_alternative<Handshake>(incoming)) {
            bool first = false;
            if (!shared.handshakes.push(datagram, from.path, first)) worker.count(protocol::Drop::queue_full);
            if (first) shared.wake();
        }
    }

    void deliver_later(DataPlane::Worker& worker, MutableBytes packet) {
        try {
            delivering_.add(packet);
        } catch (const std::bad_alloc&) { // those that are there already go on
            worker.count(protocol::Drop::no_memory);
        }
    }

    system::IncomingBatch batch_;
    offload::Coalescer delivering_;
};

} // namespace

class OutboundLoop::Jobs : public OrderedJobs<OutboundJob, outbound_parts> {
    using OrderedJobs::OrderedJobs;
};
class InboundLoop::Jobs : public OrderedJobs<InboundJob> {
    using OrderedJobs::OrderedJobs;
};

OutboundLoop::OutboundLoop(LoopShared& shared, std::size_t threads, HandOver hand_over)
    : shared_(shared), jobs_(std::make_unique<Jobs>(threads + spare_jobs, hand_over, [] { return OutboundJob(); })) {}
OutboundLoop::~OutboundLoop() = default;

void OutboundLoop::run(DataPlane::Worker& worker) {
    jobs_->run(
        [&](OutboundJob& job, Lanes& lanes) {
            while (!shared_.stopping.load(std::memory_order_relaxed)) {
                if (drained_) wait_for(shared_.device.fd(), shared_.stop_fd);
                const Taken taken = job.take(shared_, lanes);
                drained_ = taken == Taken::all;
                if (taken == Taken::stop || !job.empty()) return taken;
            }
            return Taken::stop;
        },
        [&](OutboundJob& job) { job.seal(worker); },
        [&](OutboundJob& job, std::size_t part) { job.send(shared_, worker, part); });
}

InboundLoop::InboundLoop(LoopShared& shared, system::UdpSocket& socket, std::size_t threads, HandOver hand_over)
    : shared_(shared), socket_(socket),
      jobs_(std::make_unique<Jobs>(threads + spare_jobs, hand_over, [] { return InboundJob(); })) {}
InboundLoop::~InboundLoop() = default;

void InboundLoop::run(DataPlane::Worker& worker) {
    jobs_->run(
        [&](InboundJob& job, Lanes& lanes) {
            while (!shared_.stopping.load(std::memory_order_relaxed) && !gone_.load(std::memory_order_relaxed)) {
                if (drained_) wait_for(socket_.fd(), shared_.stop_fd);
                const Taken taken = job.take(shared_, socket_, lanes);
                drained_ = taken == Taken::all;
                if (!job.empty()) return taken;
            }
            return Taken::stop;
        },
        [&](InboundJob& job) { job.open(shared_, worker); },
        [&](InboundJob& job) {
            if (job.deliver(shared_)) return;
            gone_.store(true);
            shared_.interface_gone.store(true);
            shared_.wake();
        });
}

} // namespace vpn::tun
