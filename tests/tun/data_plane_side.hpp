// One side of a tunnel as its data plane sees it, and sessions for two of them, without a handshake.
#pragma once

#include "tests/support/seeded_random.hpp"
#include "tun/data_plane.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace vpn::test {

using namespace std::chrono_literals;
using namespace tun;
using protocol::LocalIndex;
using protocol::PeerId;
using protocol::RemoteIndex;
using protocol::Role;
using protocol::SessionPtr;

inline constexpr std::size_t mtu = 1420;
inline const Boot start = Boot(1h);
inline const Path to_b{*Endpoint::parse("192.0.2.2:51820"), {}};
inline const Path to_a{*Endpoint::parse("192.0.2.1:51820"), {}};

/// An IPv4 packet of 64 bytes from 10.0.0.1 to 10.0.0.2 whose last eight bytes are `number`.
inline ByteVector numbered_packet(std::uint64_t number) {
    ByteVector packet(64 + protocol::padding_multiple, std::byte{0});
    packet[0] = std::byte{0x45};
    packet[3] = std::byte{64};
    packet[12] = std::byte{10};
    packet[15] = std::byte{1};
    packet[16] = std::byte{10};
    packet[19] = std::byte{2};
    store_le(packet.data() + 56, number);
    return packet;
}

/// Seals one packet; the datagram lies in `out` until the next.
inline std::optional<MutableBytes> seal_one(DataPlane::Worker& worker, ByteVector& packet, SendBuffer& out, Boot now) {
    out.clear();
    auto single = offload::Splitter::over({}, MutableBytes(packet).first(64));
    if (!std::holds_alternative<Sealed>(worker.seal_or_stage(*single, out, now))) return std::nullopt;
    const Bytes datagram = out.runs(Family::v4)[0].bytes;
    out.clear();
    return out.next(datagram.size());
}

/// The two ends of one session.
struct Ends {
    SessionPtr a;
    SessionPtr b;
};

inline Ends make_sessions(PeerId peer_of_a, PeerId peer_of_b, std::uint32_t slot, Random& random) {
    ByteArray<32> forth{};
    ByteArray<32> back{};
    random.fill(forth);
    random.fill(back);
    using crypto::AeadKey;
    const auto suite = slot % 2 == 0 ? protocol::Suite::wireguard : protocol::Suite::hybrid; // of both, one after the other
    return {std::make_shared<protocol::Session>(peer_of_a, Role::initiator, LocalIndex{slot}, RemoteIndex{slot},
                                                protocol::SessionKeys(suite, AeadKey(forth), AeadKey(back)), start),
            std::make_shared<protocol::Session>(peer_of_b, Role::responder, LocalIndex{slot}, RemoteIndex{slot},
                                                protocol::SessionKeys(suite, AeadKey(back), AeadKey(forth)), start)};
}

/// A data plane with one peer, reached by `path`, that owns `prefix`.
struct Side {
    Side(std::string_view prefix, const Path& path)
        : plane(protocol::MacKeys({}), mtu, [] {}), activity(std::make_shared<protocol::Activity>()) {
        owners.assign(*Prefix::parse(prefix), id);
        protocol::Outbox out;
        out.actions.emplace_back(protocol::AddPeer{id, activity});
        out.actions.emplace_back(protocol::SetPath{id, path});
        out.routes_changed = true;
        carry_out(out);
    }
    void carry_out(const protocol::Outbox& out) {
        plane.carry_out(out, owners, start, [](Bytes, const Path&, Ecn) {});
    }
    PeerId id{7};
    protocol::AllowedIps owners;
    DataPlane plane;
    std::shared_ptr<protocol::Activity> activity;
};

} // namespace vpn::test
