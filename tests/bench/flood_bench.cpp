// Data while handshakes flood: packets of a peer at a steady pace and as fast as they go, alone and beside a thread that sends
// initiations with a valid mac1 as fast as it can, from one address and from many, in both suites. THREATS "handshake flood".
#include "tests/bench/engine_rig.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/seeded_random.hpp"

#include <array>

namespace {

using namespace vpn;
using namespace vpn::bench;

constexpr auto round_time = 2s;
constexpr double pace = 20'000; ///< packets a second
/// Data is untouched by a flood: of a steady flow no more is lost, in percent.
constexpr double lost_at_most = 1;

/// Somebody who knows the server's public key and nothing else.
class Flood {
  public:
    Flood(Suite suite, const EngineRig& rig, const crypto::PublicKey& server, std::uint32_t addresses)
        : socket_(rig.open_socket()) {
        const protocol::MacKeys keys(server);
        support::SeededRandom random(7);
        for (std::uint32_t i = 0; i < 4096; ++i) {
            ByteVector& message = messages_.emplace_back(protocol::initiation_size(suite));
            protocol::encode_initiation(suite, message, protocol::LocalIndex{i});
            random.fill(MutableBytes(message).subspan(8, message.size() - 8 - protocol::macs_size));
            keys.write_mac1({message});
        }
        for (std::uint32_t i = 0; i < std::max<std::uint32_t>(addresses, 4096); ++i) {
            ByteArray<4> source{};
            store_be(source.data(), 0x7f010000U + i % addresses);
            outgoing_.push_back({messages_[i % messages_.size()], {rig.there().remote, {IpAddress::v4(source), 0}}});
        }
    }
    /// Sends until it is told to stop; how many.
    std::uint64_t run(const std::atomic<bool>& stop) {
        std::uint64_t sent = 0;
        for (std::size_t at = 0; !stop; at = (at + 64) % (outgoing_.size() - 63))
            sent += socket_.send(std::span(outgoing_).subspan(at, 64)).sent;
        return sent;
    }

  private:
    system::UdpSocket socket_;
    std::vector<ByteVector> messages_;
    std::vector<system::OutgoingDatagram> outgoing_;
};

struct Outcome {
    double sent;
    double delivered;
    double seconds;
};

/// A flow of `rate` packets a second, or as many as go.
Outcome flow(EngineRig& rig, double rate) {
    EngineRig::Sender sender(rig, 20);
    const double before = rig.received();
    std::uint64_t sent = 0;
    const double seconds = rig.run_for(round_time, [&](const std::atomic<bool>& stop) {
        const auto start = std::chrono::steady_clock::now();
        while (!stop) {
            if (rate > 0) std::this_thread::sleep_until(start + std::chrono::duration<double>(static_cast<double>(sent) / rate));
            sent += sender.send([] { return std::size_t{0}; });
        }
    });
    rig.settle();
    return {static_cast<double>(sent), rig.received() - before, seconds};
}

void measure(Suite suite, EngineRig& rig, const std::string& what, std::uint32_t addresses, Report& report) {
    const std::string name = std::string(name_of(suite)) + ", " + what;
    std::atomic<bool> stop{false};
    std::uint64_t flooded = 0;
    std::optional<Flood> flood;
    std::thread flooding;
    if (addresses > 0) {
        flood.emplace(suite, rig, rig.engine().public_key(), addresses);
        flooding = std::thread([&] { flooded = flood->run(stop); });
    }
    const double before = rig.overflowed();
    const Outcome steady = flow(rig, pace);
    const double overflowed = rig.overflowed() - before;
    const Outcome full = flow(rig, 0);
    stop = true;
    if (flooding.joinable()) flooding.join();
    report.add(name + ", steady: delivered", steady.delivered / steady.seconds, "packets a second");
    report.add(name + ", steady: lost", 100 * (1 - steady.delivered / steady.sent), "%", at_most(lost_at_most));
    report.add(name + ", steady: found no room, initiations too", overflowed / steady.seconds, "datagrams a second");
    report.add(name + ", full speed: delivered", full.delivered / full.seconds, "packets a second");
    report.add(name + ", full speed: lost", 100 * (1 - full.delivered / full.sent), "%");
    const double seconds = steady.seconds + full.seconds + 0.4;
    if (addresses > 0) report.add(name + ": initiations", static_cast<double>(flooded) / seconds, "a second");
}

} // namespace

int main(int count, char** arguments) {
    Report report({arguments, static_cast<std::size_t>(count)});
    for (const Suite suite : crypto::every_suite) {
        EngineRig rig(suite, 1);
        measure(suite, rig, "no flood", 0, report);
        measure(suite, rig, "flood from one address", 1, report);
        measure(suite, rig, "flood from 100000 addresses", 100'000, report);
        measure(suite, rig, "no flood again", 0, report);
    }
    return report.exit_code();
}
