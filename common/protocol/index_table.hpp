// Who owns which receiver index. We choose the 32 bits: the low 20 are a slot, so that a look-up is one load and one compare;
// the rest are random (PROTOCOL 2). Nothing relies on their secrecy.
// Refuses to know: what an index is used for. One stands for an initiation that waits, and later for the session it became.
#pragma once

#include "common/base/random.hpp"
#include "common/protocol/message.hpp"
#include "common/protocol/session.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace vpn::protocol {

/// The slot part of an index.
inline constexpr unsigned slot_bits = 20;
constexpr std::uint32_t slot_of(LocalIndex index) { return index.value & ((1U << slot_bits) - 1); }

class IndexTable {
  public:
    /// A new index of this peer, unlike every live one. None if 2^20 are in use.
    [[nodiscard]] std::optional<LocalIndex> take(PeerId owner, Random& random) {
        std::uint32_t slot = 0;
        if (free_.size() > reuse_later_ || slots_.size() == std::size_t{1} << slot_bits) {
            if (free_.empty()) return std::nullopt;
            slot = free_.front();
            free_.pop_front();
        } else {
            slot = static_cast<std::uint32_t>(slots_.size());
            slots_.emplace_back();
        }
        const LocalIndex index{random.next_u32() << slot_bits | slot};
        slots_[slot] = Entry{index, owner};
        return index;
    }

    void release(LocalIndex index) {
        if (!find(index)) return;
        slots_[slot_of(index)].reset();
        free_.push_back(slot_of(index));
    }

    [[nodiscard]] std::optional<PeerId> find(LocalIndex index) const {
        const std::uint32_t slot = slot_of(index);
        if (slot >= slots_.size() || !slots_[slot] || slots_[slot]->index != index) return std::nullopt;
        return slots_[slot]->owner;
    }

    [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }

  private:
    struct Entry {
        LocalIndex index;
        PeerId owner;
    };
    /// A slot rests this long, in other releases, before it serves again: late packets then find nobody, not somebody else.
    static constexpr std::size_t reuse_later_ = 64;
    std::vector<std::optional<Entry>> slots_;
    std::deque<std::uint32_t> free_;
};

} // namespace vpn::protocol
