// Nothing is allocated per packet or batch on the data path: this program counts what its threads allocate.
#include "tests/tun/engine_machines.hpp"

#include <cstdlib>
#include <new>

using namespace vpn::test;

namespace {

constexpr std::uint64_t packets = 40'000;
std::atomic<std::uint64_t> allocated{0};
thread_local bool is_control = false; // of all threads in this program, the one that tests run on

} // namespace

void* operator new(std::size_t size) {
    if (!is_control) allocated.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
// Not inlined: where only one of a pair is, the compiler takes them for strangers.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("data threads allocate nothing for a packet or a batch, once they have begun") {
    is_control = true;
    for (const bool offloads : {true, false}) {
        CAPTURE(offloads);
        Pair pair({.offloads = offloads});
        pair.exchange({packets / 4}, [] {});
        allocated = 0;
        std::uint64_t arrived = 0;
        for (const Arrived& flow : pair.exchange({packets, packets / 50}, [] {})) arrived += flow.count;
        CHECK(arrived > packets / 50);
        CHECK(allocated < 100); // a job that had little to do before may still grow
    }
    is_control = false;
}
