#include "common/system/event_loop.hpp"

#include "common/system/clocks.hpp"
#include "common/system/memory_reserve.hpp"

#include <chrono>
#include <new>
#include <thread>
#include <utility>

namespace vpn::system {
namespace {

constexpr std::chrono::minutes once_in{1};
/// A handler that is given up before it has read what it was called for is called again at once.
constexpr std::chrono::milliseconds breath{10};

} // namespace

void EventLoop::run() {
    while (!loop_.stopped()) run_one();
}

void EventLoop::run_one() {
    try {
        loop_.run_one();
    } catch (const std::bad_alloc&) {
        ++given_up_;
        std::this_thread::sleep_for(breath);
    }
    look_after_memory();
}

void EventLoop::look_after_memory() {
    const bool short_now = regain_memory() != MemoryLeft::enough || given_up_ > 0;
    if (!short_now && !is_short_) return;
    try {
        tell();
    } catch (const std::bad_alloc&) { // next time
    }
}

void EventLoop::tell() {
    const Boot at = now().boot;
    if (!std::exchange(is_short_, true) && (!last_told_ || at - *last_told_ >= once_in)) {
        log_.error("memory-short", {{"effect", "sessions go on, nobody new is served"}});
        last_told_ = at;
        was_told_ = true;
    }
    if (regain_memory() != MemoryLeft::enough) return;
    if (was_told_) log_.info("memory-again", {{"given-up", given_up_}});
    is_short_ = was_told_ = false;
    given_up_ = 0;
}

} // namespace vpn::system
