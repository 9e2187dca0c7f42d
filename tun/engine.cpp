#include "tun/engine.hpp"

#include "common/system/clocks.hpp"
#include "common/system/handler_memory.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/signals_blocked.hpp"
#include "tun/event_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <pthread.h>

#include <algorithm>
#include <list>
#include <new>
#include <system_error>
#include <thread>

namespace vpn::tun {
namespace {

namespace asio = boost::asio;
using protocol::Drop;
using protocol::Outbox;

/// What one turn takes of the conversation is bounded, and so is the memory that it may need: less than the reserve holds then.
struct Turn {
    int handshakes;
    std::size_t peers; ///< of those that told something, and of those whose time has come
};
constexpr Turn usual_turn{32, 128};
constexpr Turn careful_turn{4, 16};
/// Until memory is looked for again, once there is none.
constexpr Duration breath = std::chrono::milliseconds(100);
constexpr std::size_t threads_each_way_max = 8;

/// Waits on a descriptor that somebody else owns. What is under way when it goes does nothing more.
class Watch {
  public:
    Watch(asio::io_context& loop, int fd) : descriptor_(loop, ::fcntl(fd, F_DUPFD_CLOEXEC, 0)) {}
    template <class Handler> void wait(Handler handler) {
        descriptor_.async_wait(
            asio::posix::stream_descriptor::wait_read,
            system::kept_in(memory_, [this, handler, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                if (error || alive.expired()) return;
                wait(handler); // first: whatever the handler throws, it is called again
                handler();
            }));
    }

  private:
    asio::posix::stream_descriptor descriptor_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::shared_ptr<system::HandlerMemory> memory_ = std::make_shared<system::HandlerMemory>();
};

/// Runs it when the scope ends, however that comes.
template <class Run> class AtEnd {
  public:
    explicit AtEnd(Run run) : run_(std::move(run)) {}
    ~AtEnd() { run_(); }
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;

  private:
    Run run_;
};
template <class Run> AtEnd<Run> at_end(Run run) { return AtEnd<Run>(std::move(run)); }

} // namespace

class Engine::Control {
  public:
    Control(asio::io_context& loop, Wiring wiring, protocol::OwnKeys keys, Random& random, EngineObserver& observer)
        : device_(std::move(wiring.device)), sockets_(std::move(wiring.sockets)), observer_(observer),
          conversation_(std::move(keys), random), plane_(conversation_.mac_keys(), wiring.mtu, [this] { wake_.raise(); }),
          threads_each_way_(wiring.threads != 0 ? wiring.threads : one_a_core()), hand_over_(wiring.hand_over),
          monitor_(open_monitor()), wake_watch_(loop, wake_.fd()), timer_watch_(loop, timer_.fd()),
          monitor_watch_(loop, monitor_.fd()) {
        wake_watch_.wait([this] {
            wake_.acknowledge();
            turn();
        });
        timer_watch_.wait([this] {
            if (timer_.acknowledge()) turn();
        });
        monitor_watch_.wait([this] { network_changed(); });
        try {
            start_threads();
        } catch (...) {
            end_threads(); // the destructor won't
            throw;
        }
    }

    ~Control() { end_threads(); }

    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    /// Runs `change` on the conversation and does at once what comes of it.
    template <class Change> void configure(Change change) {
        if (system::regain_memory() == system::MemoryLeft::none) throw std::bad_alloc(); // as in `turn`
        const auto after = at_end([this] { timer_.set(next_deadline()); });
        const Now now = system::now();
        Outbox out;
        change(conversation_, now, out);
        act(out, now);
    }

    void set_keys(protocol::OwnKeys keys) {
        configure([&](protocol::Device& device, Now now, Outbox& out) { device.set_keys(std::move(keys), now, out); });
        plane_.publish(conversation_.mac_keys());
    }

    void set_mtu(std::size_t mtu) { plane_.set_mtu(mtu); }

    void set_sockets(Sockets sockets) {
        end_threads();
        inbound_.clear();
        outbound_.reset();
        workers_.clear();
        sockets_ = std::move(sockets);
        stop_.acknowledge();
        shared_.stopping.store(false);
        start_threads();
    }

    system::OsResult<void> set_mark(Mark mark) {
        auto set = sockets_.set_mark(mark);
        // Marked packets may take another way, from another address.
        configure([](protocol::Device& device, Now now, Outbox& out) { device.forget_local_sources(now, out); });
        return set;
    }

    /// What the link can't take is no loss: it was to be found out.
    bool send_probes(protocol::PeerId peer, std::span<const ByteVector> packets) {
        return plane_.send_exactly(peer, packets, system::now().boot, [this](Bytes datagram, const Path& path, Ecn ecn) {
            system::UdpSocket* socket = sockets_.of(path.remote.address.family());
            if (socket == nullptr) return;
            const system::OutgoingDatagram outgoing{datagram, path, 0, ecn};
            system::SendReport report = socket->send_whole({&outgoing, 1});
            report.too_big = report.no_buffers = 0; // a veth says the latter
            shared_.note(report, *socket);
        });
    }

    [[nodiscard]] protocol::DropCounts drops() const {
        protocol::DropCounts sum = plane_.drops();
        for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += drops_.counts[i];
        sum.counts[static_cast<std::size_t>(Drop::unsent)] += shared_.unsent.load();
        sum.counts[static_cast<std::size_t>(Drop::undelivered)] += shared_.undelivered.load();
        return sum;
    }

    [[nodiscard]] QueueDepths queues() {
        return {.handshakes = shared_.handshakes.waiting_handshakes(),
                .handshakes_max = HandshakeQueue::capacity,
                .cookie_replies = shared_.handshakes.waiting_replies(),
                .staged_packets = plane_.staged_packets()};
    }

    [[nodiscard]] PeerStatus status(const protocol::Peer& peer) const {
        return {.id = peer.id(),
                .public_key = peer.identity().public_key,
                .has_preshared_key = !peer.identity().preshared_key.is_zero(),
                .endpoint = peer.path() ? std::optional(peer.path()->remote) : std::nullopt,
                .allowed_ips = conversation_.allowed_ips().of(peer.id()),
                .last_handshake = peer.last_handshake(),
                .can_send = peer.keyring().can_send(system::now().boot),
                .received = peer.activity()->received_bytes(),
                .sent = peer.activity()->sent_bytes(),
                .handshakes = peer.handshakes(),
                .drops = peer.activity()->drops(),
                .persistent_keepalive = std::chrono::duration_cast<std::chrono::seconds>(peer.persistent_keepalive()),
                .attempt = peer.attempt(),
                .barred = peer.barred(),
                .own_key = peer.own_key()};
    }

    [[nodiscard]] protocol::Device& conversation() { return conversation_; }
    [[nodiscard]] const protocol::Device& conversation() const { return conversation_; }
    [[nodiscard]] const TunDevice& device() const { return device_; }
    [[nodiscard]] const Sockets& sockets() const { return sockets_; }

  private:
    static system::NetlinkMonitor open_monitor() {
        auto monitor = system::NetlinkMonitor::open();
        if (!monitor) throw std::system_error(monitor.error().code, monitor.error().message);
        return std::move(*monitor);
    }

    static std::size_t one_a_core() {
        return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, threads_each_way_max);
    }

    void start_threads() {
        const std::size_t each = threads_each_way_;
        const auto start = [&](auto& loop, std::size_t count, const std::string& name) {
            for (std::size_t i = 0; i < count; ++i)
                threads_.emplace_back([this, &loop, &worker = workers_.emplace_back(plane_), own = name + std::to_string(i)] {
                    ::pthread_setname_np(::pthread_self(), own.c_str()); // for `top -H`, and for metrics
                    run(loop, worker);
                });
        };
        const system::SignalsBlocked inherited; // signals are the control thread's
        start(outbound_.emplace(shared_, each, hand_over_), each, "vpn-out-");
        for (const Family family : {Family::v4, Family::v6}) {
            const std::string number = family == Family::v4 ? "4-" : "6-";
            if (system::UdpSocket* socket = sockets_.of(family))
                start(inbound_.emplace_back(shared_, *socket, each, hand_over_), each, "vpn-in" + number);
            if (system::UdpSocket* socket = sockets_.handshakes_of(family))
                start(inbound_.emplace_back(shared_, *socket, 1, hand_over_), 1, "vpn-hs" + number);
        }
    }

    /// A job that memory does not suffice for is lost, as others are that the network loses; the thread goes on.
    template <class Loop> void run(Loop& loop, DataPlane::Worker& worker) {
        for (;;) {
            try {
                return loop.run(worker);
            } catch (const std::bad_alloc&) {
                worker.count(Drop::no_memory);
            } catch (const std::exception&) { // end in order, so that what was put up is taken down
                shared_.interface_gone.store(true);
                return wake_.raise();
            }
        }
    }

    void end_threads() {
        shared_.stopping.store(true);
        stop_.raise();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    /// The conversation is built without exceptions: an allocation that failed in it would leave it as it stood. So it is asked
    /// for nothing unless the reserve holds what a turn may take of it; until then sessions go on as they are.
    void turn() {
        const Now now = system::now();
        bool to_the_end = false;
        const auto again = at_end([&] {
            timer_.set(to_the_end ? next_deadline() : now.boot + breath);
            if (to_the_end && (next_notice_ < notices_.size() || !shared_.handshakes.empty())) wake_.raise();
        });
        if (shared_.interface_gone.exchange(false)) observer_.on_interface_gone();
        const system::MemoryLeft memory = system::regain_memory();
        if (memory == system::MemoryLeft::none) return;
        Outbox out;
        const bool is_short = memory != system::MemoryLeft::enough;
        const Turn limits = is_short ? careful_turn : usual_turn;
        handle_notices(limits, now, out);
        handle_handshakes(limits, is_short, now, out);
        if (shared_.source_stale.exchange(false)) conversation_.forget_local_sources(now, out);
        conversation_.handle_time(now, out, limits.peers);
        act(out, now);
        for (const auto& complaint : shared_.take_complaints()) observer_.on_unreachable(complaint);
        to_the_end = true;
    }

    /// Notices first: they are few, one a peer at most, and packets wait for them.
    void handle_notices(const Turn& limits, Now now, Outbox& out) {
        if (next_notice_ == notices_.size()) {
            notices_ = plane_.take_notices();
            next_notice_ = 0;
        }
        const std::size_t end = std::min(notices_.size(), next_notice_ + limits.peers);
        while (next_notice_ < end) {
            const PeerNotice& notice = notices_[next_notice_++];
            if (notice.move)
                conversation_.handle_move(notice.peer, notice.move->path, notice.move->born, notice.move->counter, now, out);
            conversation_.handle_notice(notice.peer, notice.notice, now, out);
        }
    }

    void handle_handshakes(const Turn& limits, bool memory_is_short, Now now, Outbox& out) {
        for (int i = 0; i < limits.handshakes; ++i) {
            const auto item = shared_.handshakes.pop();
            if (!item) break;
            const protocol::QueueFill fill{item->waiting, HandshakeQueue::capacity, memory_is_short};
            const auto handled = conversation_.handle_handshake(item->datagram, item->from, fill, now, out);
            if (!handled) drops_.add(handled.error());
        }
    }

    /// People may miss a word for want of memory; what else there is to do is done.
    template <class Tell> static void tell(Tell tell_it) {
        try {
            tell_it();
        } catch (const std::bad_alloc&) {
        }
    }

    void act(const Outbox& out, Now now) {
        plane_.carry_out(out, conversation_.allowed_ips(), now.boot, [this](Bytes datagram, const Path& path, Ecn ecn) {
            system::UdpSocket* socket = sockets_.of(path.remote.address.family());
            if (socket == nullptr) {
                shared_.unsent.fetch_add(1);
                return;
            }
            const system::OutgoingDatagram outgoing{datagram, path, 0, ecn};
            shared_.note(socket->send({&outgoing, 1}), *socket);
        });
        for (const protocol::Event& event : out.events) tell([&] { observer_.on_event(event); });
        if (out.timestamps_changed) tell([&] { observer_.on_timestamps_changed(); });
    }

    /// The conversation's, or soon, if something waits to be freed.
    [[nodiscard]] std::optional<Boot> next_deadline() const {
        const std::optional<Boot> deadline = conversation_.next_deadline();
        if (!plane_.needs_another_turn()) return deadline;
        const Boot soon = system::now().boot + std::chrono::milliseconds(20);
        return deadline ? std::min(*deadline, soon) : soon;
    }

    void network_changed() {
        const std::vector<system::NetlinkEvent> events = monitor_.read();
        if (events.empty()) return;
        // What changes on the tunnel's own interface is our doing, and no way that outer packets take.
        const bool outer = std::any_of(events.begin(), events.end(),
                                       [this](const system::NetlinkEvent& event) { return event.interface != device_.index(); });
        if (outer) configure([](protocol::Device& device, Now now, Outbox& out) { device.forget_local_sources(now, out); });
        observer_.on_network_changed(events);
    }

    TunDevice device_;
    Sockets sockets_;
    EngineObserver& observer_;
    EventFd wake_;
    EventFd stop_;
    system::BootTimer timer_;
    protocol::Device conversation_;
    DataPlane plane_;
    protocol::DropCounts drops_;
    std::vector<PeerNotice> notices_; ///< taken, of which those from `next_notice_` on are not handled yet
    std::size_t next_notice_ = 0;
    LoopShared shared_{device_, sockets_, stop_.fd(), [this] { wake_.raise(); }};
    std::size_t threads_each_way_;
    HandOver hand_over_;
    system::NetlinkMonitor monitor_;
    Watch wake_watch_;
    Watch timer_watch_;
    Watch monitor_watch_;
    std::list<DataPlane::Worker> workers_;
    std::optional<OutboundLoop> outbound_;
    std::list<InboundLoop> inbound_; ///< one a socket
    std::vector<std::thread> threads_;
};

Engine::Engine(asio::io_context& loop, Wiring wiring, protocol::OwnKeys keys, Random& random, EngineObserver& observer)
    : control_(std::make_unique<Control>(loop, std::move(wiring), std::move(keys), random, observer)) {}

Engine::~Engine() = default;

std::optional<protocol::PeerId> Engine::set_peer(protocol::PeerConfig config) {
    std::optional<protocol::PeerId> id;
    control_->configure(
        [&](protocol::Device& device, Now now, Outbox& out) { id = device.set_peer(std::move(config), now, out); });
    return id;
}

void Engine::set_peers(std::vector<protocol::PeerConfig> configs) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) {
        for (protocol::PeerConfig& config : configs) device.set_peer(std::move(config), now, out);
    });
}

void Engine::change_peers(std::vector<protocol::PeerChange> changes) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) {
        for (protocol::PeerChange& change : changes) device.change_peer(std::move(change), now, out);
    });
}

void Engine::remove_peer(protocol::PeerId peer) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) { device.remove_peer(peer, now, out); });
}

void Engine::set_endpoint(protocol::PeerId peer, const Endpoint& endpoint) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) { device.set_endpoint(peer, endpoint, now, out); });
}

void Engine::set_keys(protocol::OwnKeys keys) { control_->set_keys(std::move(keys)); }

void Engine::restore_own_key(protocol::PeerId peer, const crypto::PublicKey& key) {
    control_->conversation().restore_own_key(peer, key);
}

void Engine::set_mtu(std::size_t mtu) { control_->set_mtu(mtu); }

void Engine::set_sockets(Sockets sockets) { control_->set_sockets(std::move(sockets)); }

system::OsResult<void> Engine::set_mark(Mark mark) { return control_->set_mark(mark); }

bool Engine::send_probes(protocol::PeerId peer, std::span<const ByteVector> packets) {
    return control_->send_probes(peer, packets);
}

void Engine::want_handshake(protocol::PeerId peer) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) { device.want_handshake(peer, now, out); });
}

void Engine::handle_new_way(protocol::PeerId peer) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) { device.handle_new_way(peer, now, out); });
}

void Engine::seek_at(protocol::PeerId peer, const Endpoint& endpoint) {
    control_->configure([&](protocol::Device& device, Now now, Outbox& out) { device.seek_at(peer, endpoint, now, out); });
}

void Engine::send_initiation_also_to(protocol::PeerId peer, const Endpoint& endpoint) {
    control_->configure(
        [&](protocol::Device& device, Now now, Outbox& out) { device.send_initiation_also_to(peer, endpoint, now, out); });
}

void Engine::forget_received_timestamp(protocol::PeerId peer) { control_->conversation().forget_received_timestamp(peer); }

void Engine::restore(const std::vector<protocol::Timestamps>& timestamps) { control_->conversation().restore(timestamps); }

std::vector<protocol::Timestamps> Engine::timestamps() const { return control_->conversation().timestamps(); }

std::optional<protocol::PeerId> Engine::find(const crypto::PublicKey& key) const { return control_->conversation().find(key); }

std::optional<PeerStatus> Engine::peer(protocol::PeerId id) const {
    const protocol::Peer* peer = control_->conversation().peer(id);
    return peer == nullptr ? std::nullopt : std::optional(control_->status(*peer));
}

std::vector<PeerStatus> Engine::peers() const {
    std::vector<PeerStatus> all;
    for (const protocol::PeerId id : control_->conversation().peers()) all.push_back(*peer(id));
    return all;
}

const protocol::Device& Engine::conversation() const { return control_->conversation(); }
protocol::DropCounts Engine::drops() const { return control_->drops(); }
QueueDepths Engine::queues() const { return control_->queues(); }
const crypto::PublicKey& Engine::public_key() const { return control_->conversation().public_key(); }
Port Engine::port() const { return control_->sockets().port(); }
const std::string& Engine::interface_name() const { return control_->device().name(); }
std::uint32_t Engine::interface_index() const { return control_->device().index(); }

} // namespace vpn::tun
