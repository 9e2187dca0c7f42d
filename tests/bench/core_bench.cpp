// What a packet costs without sockets, from 1 to 10,000 peers: route, session, cipher, window, timers, in a random order of
// peers. CPU time of one thread, the best of several rounds; and what a peer takes of the heap.
#include "common/base/slab.hpp"
#include "common/crypto/system_random.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/server.hpp"
#include "tests/support/seeded_random.hpp"

#include <array>
#include <limits>
#include <stdexcept>

namespace {

using namespace vpn;
using namespace vpn::bench;

constexpr int rounds = 7;
constexpr std::size_t together = 64;     ///< packets between two flushes, as of one batch
constexpr std::size_t runs_together = 8; ///< of one receive, each of one peer, as a loop has them
/// Flat: nothing grows with peers but what the caches miss, of keys and counters, since all peers are as likely. More in a row to
/// one peer share that.
constexpr double lone_to_one = 2.25;
constexpr double burst_to_one = 1.25;

/// What is sent: bursts of packets, each to a peer drawn anew.
struct Traffic {
    const char* name;
    std::size_t size;
    std::size_t burst;
    std::size_t packets;
};
constexpr std::array every_traffic{Traffic{"64 bytes, lone", 64, 1, 50'000}, Traffic{"1360 bytes, 20 in a row", 1360, 20, 8'000}};

/// Nanoseconds a packet.
struct Costs {
    double seal = std::numeric_limits<double>::max();
    double open = std::numeric_limits<double>::max();
};

class Crowd {
  public:
    Crowd(Suite suite, std::uint32_t count, Random& random) : server_(random) {
        for (std::uint32_t i = 0; i < count; ++i) clients_.emplace_back(suite, i, server_.name(), random);
        const std::size_t before = heap_bytes();
        server_.set_peers(clients_);
        for (Client& client : clients_) connect(client);
        server_.turn();
        heap_each_ = static_cast<double>(heap_bytes() - before) / count;
    }

    /// Bytes.
    [[nodiscard]] double heap_each() const { return heap_each_; }

    Costs measure(const Traffic& traffic) {
        support::SeededRandom dice(clients_.size());
        std::vector<std::uint32_t> order;
        for (std::size_t i = 0; i < traffic.packets; ++i)
            order.push_back(i % traffic.burst == 0 ? static_cast<std::uint32_t>(dice.below(clients_.size())) : order.back());
        Costs best;
        for (int round = 0; round < rounds; ++round) {
            best.seal = std::min(best.seal, seal(order, traffic.size) / static_cast<double>(order.size()) * 1e9);
            best.open = std::min(best.open, open(order, traffic) / static_cast<double>(order.size()) * 1e9);
        }
        return best;
    }

  private:
    void connect(Client& client) {
        const Path path = path_of(client.number());
        client.take(server_.handle(client.initiation(server_.now()), path), server_.now().boot);
        ByteVector proof(client.overhead());
        client.seal({}, proof);
        const auto guard = server_.worker().enter();
        if (!std::holds_alternative<tun::Keepalive>(server_.worker().open(proof, path, Ecn::not_capable, server_.now().boot)))
            throw std::runtime_error("not connected");
    }

    /// Packets one behind the other, as a loop has them.
    class Queue {
      public:
        Queue(std::size_t packets, std::size_t room_each) : slab_(packets * room_each), room_(room_each) {}
        [[nodiscard]] MutableBytes operator[](std::size_t i) const { return slab_.bytes().subspan(i * room_, room_); }

      private:
        Slab slab_;
        std::size_t room_;
    };

    double seal(const std::vector<std::uint32_t>& order, std::size_t size) {
        const IpAddress from = Client::address_of(0xffff00);
        const Queue queue(order.size(), size + offload::Splitter::tail_room);
        std::vector<IpAddress> destinations; // as a loop has noted them for the lanes
        for (const std::uint32_t number : order) {
            std::ranges::copy(plain_packet(from, Client::address_of(number), size), queue[destinations.size()].begin());
            destinations.push_back(Client::address_of(number));
        }
        tun::SendBuffer out(together * (size + 128));
        const Boot now = server_.now().boot;
        std::size_t unsealed = 0;
        const double seconds = seconds_of([&] {
            for (std::size_t start = 0; start < order.size(); start += together) {
                const std::size_t end = std::min(order.size(), start + together);
                const auto guard = server_.worker().enter();
                const tun::SealBatch batch = server_.worker().begin_batch();
                std::size_t expected = start;
                for (std::size_t i = start; i < end; ++i) {
                    if (i == expected) expected += server_.worker().expect(batch, std::span(destinations).subspan(i, end - i));
                    auto packet = offload::Splitter::over({}, queue[i].first(size));
                    const auto sealed = server_.worker().seal_or_stage(*packet, out, now);
                    unsealed += std::holds_alternative<tun::Sealed>(sealed) ? 0 : 1;
                }
                out.clear();
            }
        });
        if (unsealed > 0) throw std::runtime_error("not sealed");
        return seconds;
    }

    double open(const std::vector<std::uint32_t>& order, const Traffic& traffic) {
        const Queue queue(order.size(), traffic.size + clients_.front().overhead());
        std::vector<Path> paths; // as it came, beside the datagram
        for (const std::uint32_t number : order) {
            clients_[number].seal(plain_packet(Client::address_of(number), Client::address_of(0xffff00), traffic.size),
                                  queue[paths.size()]);
            paths.push_back(path_of(number));
        }
        const Boot now = server_.now().boot;
        const std::size_t received = runs_together * traffic.burst;
        std::size_t undelivered = 0;
        const double seconds = seconds_of([&] {
            for (std::size_t start = 0; start < order.size(); start += received) {
                const std::size_t end = std::min(order.size(), start + received);
                const auto guard = server_.worker().enter();
                std::array<Bytes, runs_together> first; // of each run
                std::size_t runs = 0;
                for (std::size_t i = start; i < end; i += traffic.burst) first.at(runs++) = queue[i];
                server_.worker().expect(std::span(first).first(runs));
                for (std::size_t i = start; i < end; ++i) {
                    const auto opened = server_.worker().open(queue[i], paths[i], Ecn::not_capable, now);
                    undelivered += std::holds_alternative<tun::Deliver>(opened) ? 0 : 1;
                }
            }
        });
        if (undelivered > 0) throw std::runtime_error("not opened");
        return seconds;
    }

    Server server_;
    std::vector<Client> clients_;
    double heap_each_ = 0;
};

void measure(Suite suite, Random& random, Report& report) {
    const std::string name(name_of(suite));
    std::array<Costs, every_traffic.size()> alone;
    for (const std::uint32_t count : {1U, 10U, 100U, 1'000U, 10'000U}) {
        Crowd crowd(suite, count, random);
        const std::string peers = ", " + std::to_string(count) + (count == 1 ? " peer" : " peers");
        for (std::size_t i = 0; i < every_traffic.size(); ++i) {
            const Costs costs = crowd.measure(every_traffic.at(i));
            if (count == 1) alone.at(i) = costs;
            const std::string what = every_traffic.at(i).name + peers;
            report.add(name + ": seal " + what, costs.seal, "ns");
            report.add(name + ": open " + what, costs.open, "ns");
            if (count < 1'000) continue;
            const Limit flat = at_most(every_traffic.at(i).burst == 1 ? lone_to_one : burst_to_one);
            report.add(name + ": seal " + what + " to 1", costs.seal / alone.at(i).seal, "times", flat);
            report.add(name + ": open " + what + " to 1", costs.open / alone.at(i).open, "times", flat);
        }
        if (count > 1) report.add(name + ": heap" + peers, crowd.heap_each(), "bytes a peer");
    }
}

} // namespace

int main(int count, char** arguments) {
    Report report({arguments, static_cast<std::size_t>(count)});
    crypto::SystemRandom random;
    for (const Suite suite : crypto::every_suite) measure(suite, random, report);
    return report.exit_code();
}
