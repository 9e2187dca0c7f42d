#include "tests/support/failing_new.hpp"

#include <cstdlib>
#include <new>

namespace vpn::support {
namespace {

struct Count {
    std::size_t left = 0; ///< until one fails; zero: none does
    bool for_good = false;
    bool failed = false;
    std::size_t bytes = 0;
};
thread_local Count count;

bool fails() {
    if (count.left == 0) return count.failed && count.for_good;
    if (--count.left != 0) return false;
    return count.failed = true;
}

} // namespace

FailingNew::FailingNew(std::size_t number, bool for_good) { count = {number, for_good, false, count.bytes}; }
FailingNew::~FailingNew() { count = {0, false, false, count.bytes}; }
bool FailingNew::failed() const { return count.failed; }

std::size_t bytes_allocated() { return count.bytes; }

/// As the standard's own, but for those that are to fail.
void* allocate(std::size_t size) {
    count.bytes += size;
    if (fails()) throw std::bad_alloc();
    for (;;) {
        if (void* memory = std::malloc(size)) return memory;
        const auto handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
}

} // namespace vpn::support

void* operator new(std::size_t size) { return vpn::support::allocate(size); }
// Not inlined: where only one of a pair is, the compiler takes them for strangers.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
