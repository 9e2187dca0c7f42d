// Memory set aside for the moment when this machine has none left: the handler that is running comes to its end with it, sessions
// go on, and nobody new is let in until it is whole again. What needs more than there is must not touch it: it asks first, and is
// refused as a whole (`require_memory`). Refuses to know: what is given up for want of memory.
//
// The reserve is address space that nobody has touched: it costs no memory, but counts wherever memory is limited or promised
// (RLIMIT_AS, RLIMIT_DATA, vm.overcommit_memory=2), which is where an allocation fails at all. A block of it goes back to the
// kernel at each failure of operator new, which then tries again. malloc knows nothing of that: for C libraries that can't do
// without, `make_ready` sees to it that there is enough beforehand.
#pragma once

#include "common/base/strong.hpp"

#include <cstdint>

namespace vpn::system {

/// All that is ever set aside: as many sessions as come in one turn of an event loop, a hundred times over.
inline constexpr ByteCount memory_reserve_size{std::uint64_t{16} << 20U};

enum class MemoryLeft : std::uint8_t {
    enough,
    little, ///< less than half of the reserve, and a megabyte at least: who is there is served, nobody new
    none,   ///< and what is under way has to wait
};

/// Sets it aside, and has operator new use it. Once, at start-up, for the whole process, whose handler of failed allocations
/// there can be but one of. A process that never calls this has always enough.
void set_memory_aside();

/// Thread-safe and cheap.
[[nodiscard]] MemoryLeft memory_left() noexcept;

/// Sets aside again what was given out, as far as there is memory: at each turn of an event loop. Cheap while nothing was.
/// One thread.
MemoryLeft regain_memory() noexcept;

/// For what grows, before it begins. Throws std::bad_alloc if there is not so much beside the reserve.
void require_memory(ByteCount amount);

/// There is so much for anybody who asks the kernel now, the reserve given out for it if need be. One thread.
[[nodiscard]] bool make_ready(ByteCount amount) noexcept;

} // namespace vpn::system
