// Room of its own for what an event loop keeps of one wait: who waits for the same thing again and again waits for it whatever
// memory there is. Refuses to know: what is waited for.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace vpn::system {

/// For one wait at a time; a second one beside it takes from the heap as usual. One thread.
class HandlerMemory {
  public:
    [[nodiscard]] void* take(std::size_t size) {
        if (taken_ || size > room_.size()) return ::operator new(size);
        taken_ = true;
        return room_.data();
    }
    void give_back(void* memory) {
        if (memory != room_.data()) return ::operator delete(memory);
        taken_ = false;
    }

  private:
    alignas(std::max_align_t) std::array<std::byte, 512> room_{};
    bool taken_ = false;
};

template <class T> struct HandlerAllocator {
    using value_type = T;
    explicit HandlerAllocator(HandlerMemory& its_memory) : memory(&its_memory) {}
    template <class Other> HandlerAllocator(const HandlerAllocator<Other>& other) : memory(other.memory) {} // as allocators do
    [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(memory->take(count * sizeof(T))); }
    void deallocate(T* at, std::size_t) { memory->give_back(at); }
    friend bool operator==(const HandlerAllocator&, const HandlerAllocator&) = default;
    HandlerMemory* memory;
};

/// A handler whose wait stands there. It holds what the memory is in, since it may be called when whoever waited has gone.
template <class Handler> class KeptHandler {
  public:
    using allocator_type = HandlerAllocator<std::byte>;
    KeptHandler(std::shared_ptr<HandlerMemory> memory, Handler handler)
        : memory_(std::move(memory)), handler_(std::move(handler)) {}
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }
    template <class... Arguments> void operator()(Arguments&&... arguments) { handler_(std::forward<Arguments>(arguments)...); }

  private:
    std::shared_ptr<HandlerMemory> memory_;
    Handler handler_;
};

template <class Handler> KeptHandler<Handler> kept_in(std::shared_ptr<HandlerMemory> memory, Handler handler) {
    return {std::move(memory), std::move(handler)};
}

} // namespace vpn::system
