#include "common/system/memory_reserve.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <new>

namespace vpn::system {
namespace {

/// Small enough to leave most of the reserve whole when little is needed.
constexpr std::size_t block_size = std::size_t{1} << 20U;
constexpr std::size_t block_count = memory_reserve_size.value / block_size;
constexpr std::size_t enough_blocks = block_count / 2;

/// A page that is not touched is not there; and not in a heap either, which would keep it.
void* map(std::size_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

/// A handler of failed allocations gets no argument, so this has to stand where it finds it.
struct Reserve {
    std::array<std::atomic<void*>, block_count> blocks{};
    std::atomic<bool> in_use{false};
};
constinit Reserve reserve;

/// False if there is none left. Any thread.
bool give_out_block() noexcept {
    for (auto& block : reserve.blocks) {
        void* memory = block.exchange(nullptr);
        if (memory == nullptr) continue;
        ::munmap(memory, block_size);
        return true;
    }
    return false;
}

void handle_failed_allocation() {
    if (!give_out_block()) throw std::bad_alloc();
}

std::size_t blocks_left() noexcept {
    std::size_t count = 0;
    for (const auto& block : reserve.blocks) count += block.load(std::memory_order_relaxed) != nullptr ? 1 : 0;
    return count;
}

bool there_is(ByteCount amount) noexcept {
    if (amount.value == 0) return true;
    void* memory = map(amount.value);
    if (memory == nullptr) return false;
    ::munmap(memory, amount.value);
    return true;
}

} // namespace

void set_memory_aside() {
    reserve.in_use.store(true);
    regain_memory();
    std::set_new_handler(handle_failed_allocation);
}

MemoryLeft memory_left() noexcept {
    if (!reserve.in_use.load(std::memory_order_relaxed)) return MemoryLeft::enough;
    const std::size_t blocks = blocks_left();
    if (blocks >= enough_blocks) return MemoryLeft::enough;
    return blocks > 0 ? MemoryLeft::little : MemoryLeft::none;
}

MemoryLeft regain_memory() noexcept {
    if (!reserve.in_use.load(std::memory_order_relaxed)) return MemoryLeft::enough;
    for (auto& block : reserve.blocks) {
        if (block.load(std::memory_order_relaxed) != nullptr) continue;
        void* memory = map(block_size);
        if (memory == nullptr) break;
        block.store(memory); // nobody else fills a place
    }
    return memory_left();
}

void require_memory(ByteCount amount) {
    if (!there_is(amount)) throw std::bad_alloc();
}

bool make_ready(ByteCount amount) noexcept {
    while (!there_is(amount))
        if (!give_out_block()) return false;
    return true;
}

} // namespace vpn::system
