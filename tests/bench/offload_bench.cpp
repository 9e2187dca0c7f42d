// What the pure part of the TUN offload costs a packet: one core, everything in its caches, the best of many rounds.
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/super_packet.hpp"
#include "tun/offload/checksum.hpp"
#include "tun/offload/coalesce.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace {

using namespace vpn;

/// Nanoseconds that one of the `items` of a round takes, in the best round. `prepare` is not counted.
template <class Prepare, class Run> double nanoseconds_each(std::size_t items, Prepare prepare, Run run) {
    using Clock = std::chrono::steady_clock;
    auto best = Clock::duration::max();
    for (int round = 0; round < 2000; ++round) {
        prepare();
        const auto start = Clock::now();
        run();
        best = std::min(best, Clock::now() - start);
    }
    return std::chrono::duration<double, std::nano>(best).count() / static_cast<double>(items);
}

void print(const char* what, double nanoseconds) { std::printf("%-60s %8.1f ns\n", what, nanoseconds); }

void checksum() {
    const ByteVector bytes = support::SeededRandom(1).bytes(1400);
    constexpr std::size_t times = 1000;
    std::uint64_t sum = 0;
    print("checksum of 1,400 bytes", nanoseconds_each(
                                         times, [] {},
                                         [&] {
                                             for (std::size_t i = 0; i < times; ++i)
                                                 sum += offload::fold(offload::sum_words(bytes, sum));
                                         }));
}

void split(const char* what, bool tcp) {
    test::Packet whole{.tcp = tcp};
    whole.payload = support::SeededRandom(2).bytes(45 * 1400);
    const auto header = test::header_of(whole, 1400);
    const ByteVector original = test::unfinished(whole);
    ByteVector packet(original.size() + offload::Splitter::tail_room);
    print(what, nanoseconds_each(
                    45, [&] { copy(original, packet); },
                    [&] {
                        auto splitter = offload::Splitter::over(header, MutableBytes(packet).first(original.size()));
                        while (!splitter->next().empty()) {
                        }
                    }));
}

void coalesce(const char* what, bool tcp) {
    test::Packet whole{.tcp = tcp};
    whole.payload = support::SeededRandom(3).bytes(45 * 1400);
    const auto originals = test::one_at_a_time(whole, 1400);
    auto packets = originals;
    offload::Coalescer coalescer({.tcp = true, .udp = true});
    const auto prepare = [&] {
        for (std::size_t i = 0; i < packets.size(); ++i) copy(originals[i], packets[i]);
        coalescer.clear();
    };
    print(what, nanoseconds_each(packets.size(), prepare, [&] {
              for (ByteVector& packet : packets) coalescer.add(packet);
              coalescer.finish();
          }));
    if (coalescer.size() != 1) std::puts("  (not merged into one)");
}

} // namespace

int main() {
    checksum();
    split("split of 63,000 bytes of TCP, each of 45 segments", true);
    split("split of 63,000 bytes of UDP, each of 45 segments", false);
    coalesce("coalesce of 45 TCP packets of 1,400 bytes, each", true);
    coalesce("coalesce of 45 UDP packets of 1,400 bytes, each", false);
}
