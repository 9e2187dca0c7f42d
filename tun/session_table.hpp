// Receiver index -> session, for every data thread: the slot is in the index's low bits, so a look-up is two loads and a compare.
// One thread writes, any thread reads; what is taken out is retired by whoever took it out.
#pragma once

#include "common/protocol/index_table.hpp"
#include "tun/live.hpp"

#include <array>
#include <atomic>
#include <memory>

namespace vpn::tun {

class SessionTable {
  public:
    /// Thread-safe, without locks. Null if nobody has this index.
    [[nodiscard]] LiveSession* find(protocol::LocalIndex index) const {
        LiveSession* session = in_slot_of(index);
        return session != nullptr && session->session().local() == index ? session : nullptr;
    }
    /// The same, but it may be another one's that had the slot before, or has it now: for a look ahead.
    [[nodiscard]] LiveSession* in_slot_of(protocol::LocalIndex index) const {
        const std::uint32_t slot = protocol::slot_of(index);
        const Chunk* chunk = chunks_[slot / chunk_size].load();
        return chunk == nullptr ? nullptr : (*chunk)[slot % chunk_size].load();
    }

    /// Control thread. Null takes the entry out.
    void set(protocol::LocalIndex index, LiveSession* session) {
        const std::uint32_t slot = protocol::slot_of(index);
        std::unique_ptr<Chunk>& chunk = owned_[slot / chunk_size];
        if (!chunk && session == nullptr) return;
        if (!chunk) {
            chunk = std::make_unique<Chunk>();
            chunks_[slot / chunk_size].store(chunk.get());
        }
        (*chunk)[slot % chunk_size].store(session);
    }

  private:
    static constexpr std::size_t chunk_size = 1024;
    static constexpr std::size_t chunk_count = (std::size_t{1} << protocol::slot_bits) / chunk_size;
    using Chunk = std::array<std::atomic<LiveSession*>, chunk_size>;
    std::array<std::atomic<Chunk*>, chunk_count> chunks_{};
    std::array<std::unique_ptr<Chunk>, chunk_count> owned_;
};

} // namespace vpn::tun
