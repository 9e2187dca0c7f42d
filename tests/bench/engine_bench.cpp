// Packets a second through one engine on real sockets and a TUN device, with 1 peer and with 1,000, each way. Lone packets of 64
// bytes in a random order of peers. The two take turns, so that a busy machine hits both; medians of the rounds.
#include "tests/bench/engine_rig.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/seeded_random.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

namespace {

using namespace vpn;
using namespace vpn::bench;

constexpr int rounds = 5;
constexpr auto round_time = 1s;

/// Peers' packets to this machine, a second.
double inwards(EngineRig& rig) {
    EngineRig::Sender sender(rig);
    support::SeededRandom dice(1);
    const double before = rig.received();
    const double seconds = rig.run_for(round_time, [&](const std::atomic<bool>& stop) {
        while (!stop) sender.send([&] { return dice.below(rig.clients().size()); });
    });
    const double rate = (rig.received() - before) / seconds;
    rig.settle();
    return rate;
}

/// This machine's packets to peers, a second.
double outwards(EngineRig& rig) {
    const system::UniqueFd fd = [&] {
        const test::Inside inside(rig.inside());
        return system::UniqueFd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 253));
    }();
    support::SeededRandom dice(2);
    const std::array<std::byte, EngineRig::packet_size - 20> payload{};
    const double before = rig.sent();
    const double seconds = rig.run_for(round_time, [&](const std::atomic<bool>& stop) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        while (!stop) {
            to.sin_addr.s_addr = htonl(0x0a000000U + static_cast<std::uint32_t>(dice.below(rig.clients().size())));
            ::sendto(fd.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
    });
    const double rate = (rig.sent() - before) / seconds;
    rig.settle();
    return rate;
}

} // namespace

int main(int count, char** arguments) {
    Report report({arguments, static_cast<std::size_t>(count)});
    EngineRig one(Suite::wireguard, 1);
    EngineRig thousand(Suite::wireguard, 1'000);
    struct Way {
        const char* name;
        double (*measure)(EngineRig&);
    };
    for (const Way way : {Way{"peers to machine", inwards}, Way{"machine to peers", outwards}}) {
        std::vector<double> of_one;
        std::vector<double> of_thousand;
        for (int round = 0; round < rounds; ++round) {
            of_one.push_back(way.measure(one));
            of_thousand.push_back(way.measure(thousand));
        }
        const std::string name(way.name);
        report.add(name + ", 1 peer", median(of_one), "packets a second");
        report.add(name + ", 1000 peers", median(of_thousand), "packets a second");
        report.add(name + ", 1000 peers to 1", median(of_thousand) / median(of_one), "times");
    }
}
