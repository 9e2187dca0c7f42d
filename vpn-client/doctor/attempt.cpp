#include "vpn-client/doctor/attempt.hpp"

#include "common/crypto/system_random.hpp"
#include "common/protocol/device.hpp"
#include "common/protocol/message.hpp"
#include "common/system/clocks.hpp"
#include "common/system/udp_socket.hpp"
#include "tun/timestamp_store.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/network_plan.hpp"

#include <poll.h>

#include <algorithm>
#include <future>
#include <thread>

namespace vpn::client::checks {
namespace {

using protocol::EventKind;
using protocol::Outbox;

constexpr std::size_t slots = 8;
constexpr std::size_t largest_handshake = 4096;
/// Two places may be one server, which wants its initiations in order and not all at once.
constexpr auto between_beginnings = std::chrono::milliseconds(100);
/// More than one conversation sends.
constexpr int initiations_apart = 16;

/// Of other types than ours, or meant for somebody else, nothing is looked at.
bool is_for(const protocol::OwnMacKeys& keys, Bytes datagram) {
    const auto message = protocol::decode(datagram);
    if (!message) return false;
    if (const auto* response = std::get_if<protocol::ResponseView>(&*message)) return keys.mac1_is_valid(response->macs());
    return std::holds_alternative<protocol::CookieReplyView>(*message);
}

using Kept = std::vector<protocol::Timestamps>;

class Conversation {
  public:
    Conversation(const config::ClientConfig& config, const Server& server, system::UdpSocket socket)
        : peer_(*server.peer), named_(server.named.to_string()), endpoint_(server.endpoint), socket_(std::move(socket)),
          batch_(slots, largest_handshake), device_(config.interface.private_key.clone(), random_) {}

    Attempt hold(const Kept& kept, Duration limit) {
        begin(kept, limit);
        const Boot end = system::now().boot + limit;
        while (!attempt_.took && system::now().boot < end && !is_certain(evidence())) wait_until(end);
        attempt_.evidence = evidence();
        return std::move(attempt_);
    }

    [[nodiscard]] Kept timestamps() const { return device_.timestamps(); }

  private:
    void begin(const Kept& kept, Duration limit) {
        const Now now = system::now();
        id_ = device_.set_peer({.public_key = peer_.public_key,
                                .preshared_key = peer_.preshared_key.clone(),
                                .endpoint = endpoint_,
                                .allowed_ips = {},
                                .persistent_keepalive = std::chrono::seconds(0),
                                .suite = peer_.suite,
                                .asks_other_suite_after = limit / 2},
                               now, out_);
        device_.restore(kept);
        if (id_) device_.want_handshake(*id_, now, out_);
        carry_out(now);
    }

    void wait_until(Boot end) {
        const Boot next = std::min(end, device_.next_deadline().value_or(end));
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - system::now().boot).count();
        pollfd watched{socket_.fd(), POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(std::clamp<long long>(left, 0, 1000)));
        receive();
        const Now now = system::now();
        device_.handle_time(now, out_);
        carry_out(now);
    }

    void receive() {
        if (const auto got = socket_.receive(batch_); got && *got > 0)
            for (const system::IncomingDatagram& datagram : batch_.datagrams()) {
                if (!is_for(device_.mac_keys(), datagram.bytes)) continue;
                const Now now = system::now();
                static_cast<void>(device_.handle_handshake(datagram.bytes, datagram.path, {0, slots}, now, out_));
                carry_out(now);
            }
        socket_.drain_errors([this](const system::UnreachableReport& report) { note(report); });
    }

    void note(const system::UnreachableReport& report) {
        using enum system::UnreachableReport::Reason;
        if (report.destination.address != endpoint_.address) return;
        if (report.reason == port) ++attempt_.evidence.port_unreachable;
        if (report.reason == host || report.reason == net || report.reason == prohibited) ++attempt_.evidence.host_unreachable;
    }

    void carry_out(Now now) {
        for (const protocol::Action& action : out_.actions)
            if (const auto* send = std::get_if<protocol::SendDatagram>(&action)) {
                const system::OutgoingDatagram datagram{send->bytes, send->path};
                attempt_.evidence.unsent += socket_.send({&datagram, 1}).dropped();
            }
        for (const protocol::Event& event : out_.events) {
            if (event.kind == EventKind::initiation_sent) sent_ = now.boot;
            if (event.kind == EventKind::handshake_complete) attempt_.took = now.boot - sent_;
        }
        out_.clear();
    }

    [[nodiscard]] Evidence evidence() const {
        Evidence evidence = attempt_.evidence;
        evidence.server = named_;
        evidence.endpoint = endpoint_.to_string();
        evidence.suite = peer_.suite;
        evidence.has_preshared_key = !peer_.preshared_key.is_zero();
        const protocol::Peer* const peer = id_ ? device_.peer(*id_) : nullptr;
        if (peer == nullptr) return evidence;
        const protocol::AttemptReport attempt = peer->attempt();
        evidence.initiations = attempt.initiations;
        evidence.rejected_responses = attempt.rejected_responses;
        evidence.cookies = attempt.cookies;
        evidence.wrong_suites = attempt.wrong_suites;
        evidence.declined = attempt.declined_at.has_value();
        evidence.initiations_since_declined = attempt.initiations_since_declined;
        return evidence;
    }

    const config::ClientPeer& peer_;
    std::string named_;
    Endpoint endpoint_;
    system::UdpSocket socket_;
    system::IncomingBatch batch_;
    crypto::SystemRandom random_;
    protocol::Device device_;
    Outbox out_;
    std::optional<protocol::PeerId> id_;
    Boot sent_;
    Attempt attempt_;
};

/// What became of one server, and what it must not be told again.
struct Outcome {
    Attempt attempt;
    Kept timestamps;
};

Outcome try_one(const config::ClientConfig& config, const Server& server, const Kept& kept, Duration limit) {
    Outcome outcome;
    auto socket = system::UdpSocket::open(server.endpoint.address.family(), Port{}, outer_mark);
    if (!socket) {
        outcome.attempt.trouble = socket.error().message;
        return outcome;
    }
    Conversation conversation(config, server, std::move(*socket));
    outcome.attempt = conversation.hold(kept, limit);
    outcome.timestamps = conversation.timestamps();
    return outcome;
}

/// The greatest of each peer; those of peers that were not asked stay as they are.
void merge(Kept& all, const Kept& more) {
    for (const protocol::Timestamps& each : more) {
        const auto known = std::ranges::find(all, each.peer, &protocol::Timestamps::peer);
        if (known == all.end()) {
            all.push_back(each);
            continue;
        }
        known->sent = std::max(known->sent, each.sent);
        known->received = std::max(known->received, each.received);
    }
}

} // namespace

std::vector<Attempt> try_handshakes(const config::ClientConfig& config, const std::vector<Server>& servers,
                                    const std::string& timestamps, Duration limit) {
    const tun::TimestampStore store(timestamps);
    auto loaded = store.load();
    Kept kept = loaded ? std::move(*loaded) : Kept();
    std::vector<std::future<Outcome>> under_way;
    for (const Server& server : servers) {
        if (!under_way.empty()) {
            std::this_thread::sleep_for(between_beginnings);
            // Several may be one server's: with a clock behind these, their timestamps would be the same, and all but one
            // replays.
            for (protocol::Timestamps& each : kept)
                for (int i = 0; i < initiations_apart; ++i) each.sent = each.sent.next();
        }
        under_way.push_back(
            std::async(std::launch::async, [&config, &server, kept, limit] { return try_one(config, server, kept, limit); }));
    }
    std::vector<Attempt> attempts;
    for (std::future<Outcome>& each : under_way) {
        Outcome outcome = each.get();
        merge(kept, outcome.timestamps);
        attempts.push_back(std::move(outcome.attempt));
    }
    if (!loaded) return attempts;
    if (auto meanwhile = store.load()) merge(kept, *meanwhile); // a `connect` that began while we waited
    static_cast<void>(store.save(kept));
    return attempts;
}

} // namespace vpn::client::checks
