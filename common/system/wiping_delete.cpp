// What is given back to the heap is wiped first. Keys pass through strings and buffers of libraries (a JSON lexer's, a stream's)
// that know nothing of them; this is the one place where all of those end. Linked into the programs, not into a library: whoever
// tests allocations has operators of his own. Data threads allocate nothing, so packets don't pay for it.
#include "common/base/secret.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>
#include <span>

namespace {

void wipe_and_free(void* memory) noexcept {
    if (memory == nullptr) return;
    vpn::wipe(std::span(static_cast<std::byte*>(memory), ::malloc_usable_size(memory)));
    std::free(memory);
}

} // namespace

void operator delete(void* memory) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { wipe_and_free(memory); }
