// The four messages on the wire (PROTOCOL 1; WireGuard paper 5.4): exact lengths, exact places.
// A view is a promise that the length and the type are right, and nothing more: nothing in it is authentic yet.
// Refuses to know: keys. Who fills the fields and who believes them lives in handshake, cookie and session_keys.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/strong.hpp"
#include "common/crypto/blake2s.hpp"
#include "common/protocol/drop.hpp"

#include <cstdint>
#include <variant>

namespace vpn::protocol {

/// Names a session in the table of whoever receives on it.
using LocalIndex = Strong<struct OurSide, std::uint32_t>;
using RemoteIndex = Strong<struct TheirSide, std::uint32_t>;

enum class MessageType : std::uint32_t { initiation = 1, response = 2, cookie_reply = 3, data = 4 };

inline constexpr std::size_t initiation_size = 148;
inline constexpr std::size_t response_size = 92;
inline constexpr std::size_t cookie_reply_size = 64;
inline constexpr std::size_t data_header_size = 16;
inline constexpr std::size_t data_tag_size = 16;
inline constexpr std::size_t data_overhead = data_header_size + data_tag_size;

/// The MACs that end an initiation or a response, and what each of them covers.
template <class Byte> struct MacFields {
    std::span<Byte> message;
    [[nodiscard]] std::span<Byte> before_mac1() const { return message.first(message.size() - 32); }
    [[nodiscard]] std::span<Byte> mac1() const { return message.subspan(message.size() - 32, 16); }
    [[nodiscard]] std::span<Byte> before_mac2() const { return message.first(message.size() - 16); }
    [[nodiscard]] std::span<Byte> mac2() const { return message.last(16); }
};

/// Handshake initiation: 148 bytes.
template <class Byte> struct InitiationFields {
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t sender() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::span<Byte> ephemeral() const { return message.subspan(8, 32); }
    [[nodiscard]] std::span<Byte> sealed_static() const { return message.subspan(40, 48); }
    [[nodiscard]] std::span<Byte> sealed_timestamp() const { return message.subspan(88, 28); }
    [[nodiscard]] MacFields<Byte> macs() const { return {message}; }
};

/// Handshake response: 92 bytes.
template <class Byte> struct ResponseFields {
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t sender() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::uint32_t receiver() const { return load_le<std::uint32_t>(message.data() + 8); }
    [[nodiscard]] std::span<Byte> ephemeral() const { return message.subspan(12, 32); }
    [[nodiscard]] std::span<Byte> sealed_empty() const { return message.subspan(44, 16); }
    [[nodiscard]] MacFields<Byte> macs() const { return {message}; }
};

/// Cookie reply: 64 bytes.
template <class Byte> struct CookieReplyFields {
    std::span<Byte> message;
    [[nodiscard]] std::uint32_t receiver() const { return load_le<std::uint32_t>(message.data() + 4); }
    [[nodiscard]] std::span<Byte> nonce() const { return message.subspan(8, 24); }
    [[nodiscard]] std::span<Byte> sealed_cookie() const { return message.subspan(32, 32); }
};

/// Transport data: 16 bytes of header, then ciphertext and tag.
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
InitiationFields<std::byte> encode_initiation(MutableBytes out, LocalIndex sender);
ResponseFields<std::byte> encode_response(MutableBytes out, LocalIndex sender, RemoteIndex receiver);
CookieReplyFields<std::byte> encode_cookie_reply(MutableBytes out, RemoteIndex receiver);
/// Writes the 16 bytes of header at the front of `out`. Requires: out.size() >= 16.
void encode_data_header(MutableBytes out, RemoteIndex receiver, std::uint64_t counter);

/// How long `size` bytes of inner packet become: the next multiple of 16, but never past the tunnel's MTU.
[[nodiscard]] std::size_t padded_size(std::size_t size, std::size_t mtu);

} // namespace vpn::protocol
