// Packets a second through one engine on real sockets and a TUN device, and how many of its threads carry them: lone packets of
// 64 bytes in a random order of 1, 64 and 1,000 peers, each way; then one fat flow, with one thread each way and with as many as
// the engine takes by itself. Those that are compared take turns, so that a busy machine hits all; medians of the rounds. What
// sends needs a core, too: on two there is one for the engine, and its threads share that.
#include "tests/bench/engine_rig.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/seeded_random.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <deque>

namespace {

using namespace vpn;
using namespace vpn::bench;

constexpr int rounds = 5;
constexpr auto round_time = 1s;
/// A fat flow's: a multiple of 16, and as many at once as one super-packet holds.
constexpr std::size_t fat_size = 1392;
constexpr std::size_t fat_together = 44;

/// What a way was found to carry, and by whom.
struct Found {
    double rate; ///< packets a second
    Usage usage;
};

/// Peers' packets to this machine: lone ones of random peers.
Found inwards(EngineRig& rig, std::size_t size) {
    EngineRig::Sender sender(rig, 64, size);
    support::SeededRandom dice(1);
    const double before = rig.received(size);
    const double seconds = rig.run_for(round_time, [&](const std::atomic<bool>& stop) {
        while (!stop) sender.send([&] { return dice.below(rig.clients().size()); });
    });
    const Found found{(rig.received(size) - before) / seconds, rig.usage()};
    rig.settle();
    return found;
}

sockaddr_in client_at(std::size_t number) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0a000000U + static_cast<std::uint32_t>(number));
    return to;
}

system::UniqueFd socket_inside(const EngineRig& rig, int type, int protocol) {
    const test::Inside inside(rig.inside());
    return system::UniqueFd(::socket(AF_INET, type | SOCK_CLOEXEC, protocol));
}

/// This machine's packets to peers: what `send(stop)` sends.
template <class Send> Found outwards_by(EngineRig& rig, std::size_t size, Send send) {
    const double before = rig.sent(size);
    const double seconds = rig.run_for(round_time, send);
    const Found found{(rig.sent(size) - before) / seconds, rig.usage()};
    rig.settle();
    return found;
}

/// Lone ones to random peers.
Found outwards(EngineRig& rig, std::size_t size) {
    const system::UniqueFd fd = socket_inside(rig, SOCK_RAW, 253);
    support::SeededRandom dice(2);
    const std::vector<std::byte> payload(size - 20);
    return outwards_by(rig, size, [&](const std::atomic<bool>& stop) {
        while (!stop) {
            const sockaddr_in to = client_at(dice.below(rig.clients().size()));
            ::sendto(fd.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
    });
}

/// One flow to one peer, in super-packets.
Found fat_outwards(EngineRig& rig, std::size_t size) {
    const system::UniqueFd fd = socket_inside(rig, SOCK_DGRAM, 0);
    const int segment = static_cast<int>(size - 28);
    ::setsockopt(fd.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
    const std::vector<std::byte> payload(fat_together * static_cast<std::size_t>(segment));
    return outwards_by(rig, size, [&](const std::atomic<bool>& stop) {
        const sockaddr_in to = client_at(0);
        while (!stop) ::sendto(fd.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    });
}

struct Way {
    const char* name;
    Found (*measure)(EngineRig&, std::size_t size);
};

/// All rigs in turns. A row for each, in their order.
std::vector<Found> compare(const Way& way, std::deque<EngineRig>& rigs, std::size_t size) {
    std::vector<std::array<std::vector<double>, 3>> found(rigs.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < rigs.size(); ++i) {
            const Found one = way.measure(rigs[i], size);
            found[i][0].push_back(one.rate);
            found[i][1].push_back(one.usage.cores);
            found[i][2].push_back(one.usage.busiest_share);
        }
    std::vector<Found> medians;
    for (const auto& each : found) medians.push_back({median(each[0]), {median(each[1]), median(each[2])}});
    return medians;
}

void tell(Report& report, const std::string& what, const Found& found) {
    report.add(what, found.rate, "packets a second");
    report.add(what + ": of the engine's threads", found.usage.cores, "cores used");
    report.add(what + ": the busiest thread's", 100 * found.usage.busiest_share, "% of that");
}

void many_peers(Suite suite, Report& report) {
    constexpr std::array<std::uint32_t, 3> counts{1, 64, 1'000};
    std::deque<EngineRig> rigs;
    for (const std::uint32_t count : counts) rigs.emplace_back(suite, count);
    for (const Way way : {Way{"peers to machine", inwards}, Way{"machine to peers", outwards}}) {
        const std::string name = std::string(name_of(suite)) + ", " + way.name;
        const std::vector<Found> found = compare(way, rigs, EngineRig::packet_size);
        for (std::size_t i = 0; i < counts.size(); ++i)
            tell(report, name + ", " + std::to_string(counts.at(i)) + (i == 0 ? " peer" : " peers"), found[i]);
        report.add(name + ", 1000 peers to 1", found.back().rate / found.front().rate, "times", at_least(0.7));
    }
}

void one_flow(Suite suite, Report& report) {
    std::deque<EngineRig> rigs;
    for (const std::size_t threads : {1U, 0U}) rigs.emplace_back(suite, 1, threads);
    for (const Way way : {Way{"one fat flow in", inwards}, Way{"one fat flow out", fat_outwards}}) {
        const std::string name = std::string(name_of(suite)) + ", " + way.name;
        const std::vector<Found> found = compare(way, rigs, fat_size);
        tell(report, name + ", one thread", found.front());
        tell(report, name, found.back());
        report.add(name + ": to one thread", found.back().rate / found.front().rate, "times");
    }
}

} // namespace

int main(int count, char** arguments) {
    Report report({arguments, static_cast<std::size_t>(count)});
    for (const Suite suite : crypto::every_suite) {
        many_peers(suite, report);
        one_flow(suite, report);
    }
    return report.exit_code();
}
