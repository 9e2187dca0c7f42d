// Who sends what many destinations get. This program's sendmmsg stands before the kernel's and counts for each thread.
#include "tests/tun/engine_machines.hpp"

#include <netinet/udp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <numeric>

using namespace vpn;
using namespace vpn::test;

namespace {

constexpr std::size_t counted_threads = 64;
std::array<std::atomic<std::uint64_t>, counted_threads> datagrams_of{};
std::atomic<std::size_t> next_thread{0};
std::atomic<bool> counting{false};

std::array<std::uint64_t, counted_threads> counts() {
    std::array<std::uint64_t, counted_threads> values{};
    std::ranges::transform(datagrams_of, values.begin(), [](const auto& each) { return each.load(); });
    std::ranges::sort(values, std::greater());
    return values;
}

} // namespace

extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    const auto sent = static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, count, flags));
    if (counting.load() && sent > 0) {
        thread_local const std::size_t self = next_thread++ % counted_threads;
        datagrams_of.at(self) += static_cast<std::uint64_t>(sent);
    }
    return sent;
}

TEST_CASE("packets to many destinations are sent by several threads, where handing over is left to the engine") {
    constexpr unsigned destinations = 64;
    constexpr std::uint64_t enough = 10'000;       // runs of datagrams
    constexpr std::uint64_t at_most = 40 * enough; // one thread may have been alone for long on a busy machine
    boost::asio::io_context loop;
    const NetNamespace wire;
    Machine hub(loop, wire, 1, {.hand_over = tun::HandOver::where_it_pays});
    Machine spoke(loop, wire, 2, {.hand_over = tun::HandOver::where_it_pays});
    const Terms site{protocol::Suite::hybrid, {*Prefix::parse("10.9.0.64/26")}};
    const protocol::PeerId to_spoke = hub.meet(spoke, true, site);
    const protocol::PeerId to_hub = spoke.meet(hub, false, site);
    hub.engine().want_handshake(to_spoke);
    while (!hub.engine().peer(to_spoke)->can_send || !spoke.engine().peer(to_hub)->can_send) loop.run_one_for(100ms);

    counting = true;
    std::atomic<bool> stop{false};
    std::thread sender([&, fd = hub.socket(Family::v4, 0)] {
        // Runs of datagrams, so that a sender is faster than who seals, under a sanitizer too.
        constexpr int segment = 500;
        constexpr std::array<std::byte, std::size_t{segment} * 40> run{};
        REQUIRE(::setsockopt(fd.get(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0);
        for (unsigned i = 0; !stop; ++i) {
            const Place to = Machine::at(Family::v4, 64 + i % destinations, far_port);
            ::sendto(fd.get(), run.data(), run.size(), 0, to.get(), to.size);
        }
    });
    const auto sum = [](const auto& values) { return std::accumulate(values.begin(), values.end(), std::uint64_t{0}); };
    const auto second_has_its_share = [&](const auto& values) { return values[1] >= sum(values) / 10; };
    auto sent = counts();
    while (sum(sent) < enough || (!second_has_its_share(sent) && sum(sent) < at_most)) {
        loop.run_for(10ms);
        sent = counts();
    }
    stop = true;
    sender.join();
    counting = false;
    CHECK(second_has_its_share(sent));
}
