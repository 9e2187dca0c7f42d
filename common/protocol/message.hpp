// The four messages on the wire (PROTOCOL 1; WireGuard paper 5.4): exact lengths, exact places, in either suite.
// A view is a promise that the length and the type are right, and nothing more: nothing in it is authentic yet.
// Refuses to know: keys. Who fills the fields and who believes them lives in handshake, cookie and session_keys.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/strong.hpp"
#include "common/crypto/blake2s.hpp"
#include "common/protocol/drop.hpp"
#include "common/protocol/suite.hpp"

#include <algorithm>
#include <cstdint>
#include <variant>

namespace vpn::protocol {

/// Names a session in the table of whoever receives on it.
using LocalIndex = Strong<struct OurSide, std::uint32_t>;
using RemoteIndex = Strong<struct TheirSide, std::uint32_t>;

inline constexpr std::uint32_t cookie_reply_type = 3;
inline constexpr std::uint32_t data_type = 4;

inline constexpr std::size_t macs_size = 32;
inline constexpr std::size_t cookie_reply_size = 64;
inline constexpr std::size_t data_header_size = 16;

/// 148 bytes, or 1396.
constexpr std::size_t initiation_size(Suite suite) {
    const SuiteFacts& facts = facts_of(suite);
    return 40 + facts.sealed_kem_key() + facts.sealed(32) + facts.sealed(12) + macs_size;
}
/// 92 bytes, or 1228.
constexpr std::size_t response_size(Suite suite) {
    const SuiteFacts& facts = facts_of(suite);
    return 44 + facts.sealed_kem_ciphertext() + facts.sealed(0) + macs_size;
}
/// What a data message adds to what it carries: 32 bytes, or 48.
constexpr std::size_t data_overhead(Suite suite) { return data_header_size + facts_of(suite).sealed(0); }
inline constexpr std::size_t data_overhead_min = std::min(data_overhead(Suite::wireguard), data_overhead(Suite::hybrid));
inline constexpr std::size_t data_overhead_max = std::max(data_overhead(Suite::wireguard), data_overhead(Suite::hybrid));

/// The MACs that end an initiation or a response, and what each of them covers.
template <class Byte> struct MacFields {
    std::span<Byte> message;
    [[nodiscard]] std::span<Byte> before_mac1() const { return message.first(message.size() - macs_size); }
    [[nodiscard]] std::span<Byte> mac1() const { return message.subspan(message.size() - macs_size, 16); }
    [[nodiscard]] std::span<Byte> before_mac2() const { return message.first(message.size() - 16); }
    [[nodiscard]] std::span<Byte> mac2() const { return message.last(16); }
};

/// Handshake initiation.
template <class Byte> struct InitiationFields {
    Suite suite;
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t sender() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::span<Byte> ephemeral() const { return message.subspan(8, 32); }
    /// Empty in a suite without a KEM.
    [[nodiscard]] std::span<Byte> sealed_kem_key() const { return message.subspan(40, facts_of(suite).sealed_kem_key()); }
    [[nodiscard]] std::span<Byte> sealed_static() const {
        return message.subspan(40 + facts_of(suite).sealed_kem_key(), facts_of(suite).sealed(32));
    }
    [[nodiscard]] std::span<Byte> sealed_timestamp() const { return macs().before_mac1().last(facts_of(suite).sealed(12)); }
    [[nodiscard]] MacFields<Byte> macs() const { return {message}; }
};

/// Handshake response.
template <class Byte> struct ResponseFields {
    Suite suite;
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t sender() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::uint32_t receiver() const { return load_le<std::uint32_t>(message.data() + 8); }
    [[nodiscard]] std::span<Byte> ephemeral() const { return message.subspan(12, 32); }
    /// Empty in a suite without a KEM.
    [[nodiscard]] std::span<Byte> sealed_kem_ciphertext() const {
        return message.subspan(44, facts_of(suite).sealed_kem_ciphertext());
    }
    [[nodiscard]] std::span<Byte> sealed_empty() const { return macs().before_mac1().last(facts_of(suite).sealed(0)); }
    [[nodiscard]] MacFields<Byte> macs() const { return {message}; }
};

/// Cookie reply: 64 bytes.
template <class Byte> struct CookieReplyFields {
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t receiver() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::span<Byte> nonce() const { return message.subspan(8, 24); }
    [[nodiscard]] std::span<Byte> sealed_cookie() const { return message.subspan(32, 32); }
};

/// Transport data: 16 bytes of header, then ciphertext and tag. Whose tag, and so whether it is long enough, its session knows.
template <class Byte> struct DataFields {
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t receiver() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::uint64_t counter() const { return load_le<std::uint64_t>(message.data() + 8); }
    [[nodiscard]] std::span<Byte> sealed() const { return message.subspan(data_header_size); }
};

using InitiationView = InitiationFields<const std::byte>;
using ResponseView = ResponseFields<const std::byte>;
using CookieReplyView = CookieReplyFields<const std::byte>;
using DataView = DataFields<const std::byte>;
using MessageView = std::variant<InitiationView, ResponseView, CookieReplyView, DataView>;

/// Tells what a datagram claims to be. Errors: malformed, for every other type, length or reserved byte.
[[nodiscard]] Checked<MessageView> decode(Bytes datagram);

/// Each writes type and indices and zeroes the rest. Requires: `out` is exactly the message's size.
InitiationFields<std::byte> encode_initiation(Suite suite, MutableBytes out, LocalIndex sender);
ResponseFields<std::byte> encode_response(Suite suite, MutableBytes out, LocalIndex sender, RemoteIndex receiver);
CookieReplyFields<std::byte> encode_cookie_reply(MutableBytes out, RemoteIndex receiver);
/// Writes the 16 bytes of header at the front of `out`. Requires: out.size() >= 16.
void encode_data_header(MutableBytes out, RemoteIndex receiver, std::uint64_t counter);

/// How long `size` bytes of inner packet become: the next multiple of 16, but never past the tunnel's MTU.
[[nodiscard]] std::size_t padded_size(std::size_t size, std::size_t mtu);

} // namespace vpn::protocol
