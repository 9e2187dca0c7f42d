// Packets of one receive batch into super-packets that the kernel takes in one write (DATAPATH 1, "Coalesce"). Nothing is copied:
// a super-packet is the first one's headers and everybody's payload where it lies. Within a flow nothing is reordered. Refuses to
// know: devices. Whoever writes gathers the parts.
#pragma once

#include "common/base/bytes.hpp"
#include "tun/offload/layout.hpp"
#include "tun/offload/vnet_header.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace vpn::offload {

class Coalescer {
  public:
    static constexpr std::size_t largest_packet = 65535;
    static constexpr std::size_t udp_segments_max = 64;
    static constexpr std::size_t parts_max = 1023; ///< one gathering write takes 1,024 with the header before them

    /// Which kinds the device takes as super-packets.
    struct Features {
        bool tcp = true;
        bool udp = true;
    };
    explicit Coalescer(Features features) : features_(features) {}
    void set_features(Features features) { features_ = features; }

    /// The next packet of the batch, exactly its IP length. It stays the caller's, lives until clear(), and its headers may be
    /// changed.
    void add(MutableBytes packet);

    /// Completes the headers of what was merged. Call once, before reading runs.
    void finish();

    /// How many writes the batch takes.
    [[nodiscard]] std::size_t size() const { return runs_.size(); }
    [[nodiscard]] const VnetHeader& header(std::size_t run) const { return runs_[run].header; }
    /// How many packets are in it.
    [[nodiscard]] std::size_t packets(std::size_t run) const { return runs_[run].count; }
    /// Calls `take(Bytes)` for every part of a super-packet, in order.
    template <class Take> void for_each_part(std::size_t run, Take take) const {
        take(Bytes(runs_[run].first));
        for (std::size_t part = runs_[run].parts; part != no_part; part = parts_[part].next) take(parts_[part].payload);
    }
    /// Calls `take(Bytes)` for every original packet of a run that was not written: as they came. Undoes what finish() changed.
    template <class Take> void for_each_packet(std::size_t run, Take take) {
        undo(run);
        take(Bytes(runs_[run].first));
        for (std::size_t part = runs_[run].parts; part != no_part; part = parts_[part].next) take(parts_[part].packet);
    }
    void clear();

  private:
    static constexpr std::size_t no_part = SIZE_MAX;
    /// How far back a flow's last run is looked for: more flows than this in one batch are written, not merged.
    static constexpr std::size_t runs_remembered = 16;

    struct Run {
        MutableBytes first;
        std::optional<Layout> layout; ///< none: a packet that nothing is merged with
        VnetHeader header;
        std::size_t segment = 0; ///< payload bytes of the first packet
        std::size_t bytes = 0;   ///< of the super-packet so far
        std::size_t count = 1;
        std::size_t parts = no_part; ///< the second packet's payload, and so on
        std::size_t last_part = no_part;
        std::uint32_t next_sequence = 0;
        bool open = true; ///< the next packet of this flow may still be merged
        bool verified = false;
        std::uint8_t first_flags = 0; ///< TCP's, before PSH was merged in
        std::array<std::byte, 2> first_checksum{};
    };
    struct Part {
        Bytes packet;
        Bytes payload;
        std::size_t next = no_part;
    };

    [[nodiscard]] bool eligible(const Layout& layout, Bytes packet) const;
    [[nodiscard]] Run* run_of_flow(const Layout& layout, Bytes packet);
    /// A fragment or an extension header hides which flow a packet is of: none between the same hosts goes on past it.
    void close_between_hosts_of(Bytes packet);
    [[nodiscard]] std::span<Run> recent_runs() { return std::span(runs_).last(std::min(runs_.size(), runs_remembered)); }
    [[nodiscard]] static bool continues(const Run& run, const Layout& layout, Bytes packet);
    void merge(Run& run, const Layout& layout, Bytes packet);
    void undo(std::size_t run);

    Features features_;
    std::vector<Run> runs_;
    std::vector<Part> parts_;
};

} // namespace vpn::offload
