// Safe memory reclamation by epochs: the control thread replaces what data threads read without locks, and frees the old version
// only after every one of them has been seen at a later epoch, or idle. Clean under ThreadSanitizer, since it is all std::atomic.
// Refuses to know: what is retired.
//
// Why it is right: a reader publishes the epoch (seq_cst) before it loads a pointer (seq_cst); the writer replaces the pointer
// (seq_cst) before it raises the epoch and looks at the readers (seq_cst). So either the writer sees the reader and waits for it,
// or the reader sees the new pointer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <stdexcept>
#include <utility>

namespace vpn::tun {

class Epochs {
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> epoch{0}; ///< 0: idle
        std::atomic<bool> taken{false};
    };
    struct Retired {
        std::uint64_t since = 0;
        std::shared_ptr<const void> what{};
    };

  public:
    /// One data thread's part. Hold a Guard while using anything that may be retired.
    class Reader {
      public:
        explicit Reader(Epochs& domain) : domain_(&domain), slot_(&domain.take_slot()) {}
        Reader(Reader&& other) noexcept : domain_(other.domain_), slot_(std::exchange(other.slot_, nullptr)) {}
        Reader& operator=(Reader&&) = delete;
        ~Reader() {
            if (slot_ != nullptr) slot_->taken.store(false);
        }

        class Guard {
          public:
            explicit Guard(Reader& reader) : slot_(reader.slot_) { slot_->epoch.exchange(reader.domain_->epoch_.load()); }
            Guard(const Guard&) = delete;
            Guard& operator=(const Guard&) = delete;
            ~Guard() { slot_->epoch.store(0); }

          private:
            Slot* slot_;
        };
        [[nodiscard]] Guard enter() { return Guard(*this); }

      private:
        Epochs* domain_;
        Slot* slot_;
    };

    Epochs() = default;
    Epochs(const Epochs&) = delete;
    Epochs& operator=(const Epochs&) = delete;

    /// Where one retired thing will stand. Make it before something is taken out of readers' sight: afterwards that must neither
    /// be freed at once nor forgotten, whatever memory there is.
    using Place = std::list<Retired>;
    static Place make_place() { return Place(1); }

    /// Control thread. Keeps `old`, which no reader can find any more, until all that may still hold it have moved on.
    void retire(std::shared_ptr<const void> old, Place place = make_place()) {
        if (!old) return;
        place.front() = {epoch_.fetch_add(1) + 1, std::move(old)};
        retired_.splice(retired_.end(), place);
    }
    /// Control thread. The epoch of the slowest reader: nobody can find or touch any more what was retired up to it.
    [[nodiscard]] std::uint64_t oldest_reader() const {
        std::uint64_t oldest = UINT64_MAX;
        for (const Slot& slot : slots_) {
            const std::uint64_t epoch = slot.epoch.load();
            if (epoch != 0 && epoch < oldest) oldest = epoch;
        }
        return oldest;
    }
    /// Control thread. Frees what was retired up to `oldest`, an earlier answer of oldest_reader().
    void collect(std::uint64_t oldest) {
        while (!retired_.empty() && retired_.front().since <= oldest) retired_.pop_front();
    }
    [[nodiscard]] bool pending() const { return !retired_.empty(); }

  private:
    Slot& take_slot() {
        for (Slot& slot : slots_)
            if (!slot.taken.exchange(true)) return slot;
        throw std::runtime_error("too many data threads");
    }
    std::atomic<std::uint64_t> epoch_{1};
    std::array<Slot, 64> slots_;
    std::list<Retired> retired_;
};

} // namespace vpn::tun
