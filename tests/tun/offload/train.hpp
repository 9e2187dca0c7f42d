// Batches of packets as they come out of the tunnel, the plain rules of what may be merged, and all that must hold of what
// Coalescer makes of them.
#pragma once

#include "tests/tun/offload/packet.hpp"
#include "tun/offload/coalesce.hpp"

#include <string>
#include <vector>

namespace vpn::test {

enum class Damage : std::uint8_t {
    none,
    transport_checksum,
    header_checksum, ///< IPv4's
    no_checksum,     ///< zero: UDP's "none", and wrong for TCP
};

struct Sent {
    Packet packet;
    Damage damage = Damage::none;
    [[nodiscard]] ByteVector bytes() const;
};
using Train = std::vector<Sent>;

/// One write to the device, and what is written in its place when the device refuses it.
struct Written {
    offload::VnetHeader header;
    ByteVector bytes{};
    std::size_t packets = 0;
    std::vector<ByteVector> replayed{};
};

/// What Coalescer makes of one batch.
std::vector<Written> coalesce(const std::vector<ByteVector>& batch, offload::Coalescer::Features features = {});

/// Which packets of the train the plain rules bring together: positions in it, by the write.
std::vector<std::vector<std::size_t>> plain_runs(const Train& train, offload::Coalescer::Features features = {});

/// What is wrong with the way in which Coalescer handles the train; empty if nothing is.
std::string complaint(const Train& train, offload::Coalescer::Features features = {});

} // namespace vpn::test
