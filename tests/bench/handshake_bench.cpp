// Handshakes a second on one core as responder, each all the way from the datagram to the installed session and the response:
// mac1, queue, device, data plane. CPU time of one thread. Under load with valid cookies, and what it costs to ask for one.
#include "common/crypto/system_random.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/server.hpp"

#include <stdexcept>

namespace {

using namespace vpn;
using namespace vpn::bench;

constexpr std::uint32_t clients_at_once = 1'000;
constexpr int rounds = 3;
constexpr std::size_t flooded = tun::HandshakeQueue::capacity / 2;

class Responder {
  public:
    Responder(Suite suite, Random& random) : server_(random) {
        for (std::uint32_t i = 0; i < clients_at_once; ++i) clients_.emplace_back(suite, i, server_.name(), random);
        server_.set_peers(clients_);
    }

    /// Answers a second, the median of the rounds. `waiting`: in the queue besides.
    double rate(std::size_t waiting, int times) {
        std::vector<double> rates;
        for (int round = 0; round < times; ++round) {
            server_.pass(std::chrono::seconds(1));
            std::vector<ByteVector> initiations;
            for (Client& client : clients_) initiations.push_back(client.initiation(server_.now()));
            std::vector<ByteVector> answers(clients_.size());
            const double seconds = seconds_of([&] {
                for (std::size_t i = 0; i < clients_.size(); ++i)
                    answers[i] = server_.handle(std::move(initiations[i]), path_of(clients_[i].number()), waiting);
            });
            for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i].take(answers[i], server_.now().boot);
            rates.push_back(static_cast<double>(clients_.size()) / seconds);
        }
        return median(rates);
    }
    [[nodiscard]] bool all_connected() const {
        return std::ranges::all_of(clients_, [](const Client& each) { return each.connected(); });
    }

  private:
    Server server_;
    std::vector<Client> clients_;
};

void measure(Suite suite, Random& random, Report& report) {
    const std::string name(name_of(suite));
    const Limit wanted = at_least(suite == Suite::wireguard ? 4'000 : 2'500);
    Responder idle(suite, random);
    report.add(name + ": handshakes answered, one core", idle.rate(0, rounds), "a second", wanted);
    if (!idle.all_connected()) throw std::runtime_error("not connected");

    Responder busy(suite, random);
    report.add(name + ": cookies demanded under load", busy.rate(flooded, 1), "a second");
    report.add(name + ": handshakes answered under load, with cookies", busy.rate(flooded, rounds), "a second", wanted);
    if (!busy.all_connected()) throw std::runtime_error("not connected under load");
}

} // namespace

int main(int count, char** arguments) {
    Report report({arguments, static_cast<std::size_t>(count)});
    crypto::SystemRandom random;
    for (const Suite suite : crypto::every_suite) measure(suite, random, report);
    return report.exit_code();
}
