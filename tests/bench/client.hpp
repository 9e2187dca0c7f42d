// The other end of a tunnel, as light as it can be: it begins a handshake and seals packets. Thousands of them fit into a
// benchmark.
#pragma once

#include "common/crypto/x25519.hpp"
#include "common/protocol/cookie.hpp"
#include "common/protocol/device.hpp"
#include "common/protocol/handshake.hpp"

#include <optional>
#include <stdexcept>
#include <variant>

namespace vpn::bench {

using protocol::Suite;

class Client {
  public:
    Client(Suite suite, std::uint32_t number, const crypto::PublicKey& server, Random& random)
        : suite_(suite), number_(number), random_(&random), ours_(crypto::generate_private_key(random)),
          server_(server, {}, ours_), jar_(server) {}

    [[nodiscard]] std::uint32_t number() const { return number_; }
    /// 10.0.0.0 and its number.
    [[nodiscard]] static IpAddress address_of(std::uint32_t number) {
        ByteArray<4> bytes{};
        store_be(bytes.data(), 0x0a000000U + number);
        return IpAddress::v4(bytes);
    }
    /// As the server's configuration has it.
    [[nodiscard]] protocol::PeerConfig config() const {
        protocol::PeerConfig config;
        config.public_key = ours_.public_key;
        config.allowed_ips.emplace_back(address_of(number_), 32);
        config.suite = suite_;
        return config;
    }

    [[nodiscard]] ByteVector initiation(Now now) {
        ByteVector message(protocol::initiation_size(suite_));
        auto pending = protocol::make_initiation(suite_, ours_, server_, protocol::LocalIndex{number_},
                                                 crypto::Tai64n::from(now.wall), *random_, message);
        if (!pending) throw std::logic_error("no initiation");
        pending_ = std::move(*pending);
        jar_.write_macs({message}, now.boot);
        return message;
    }
    /// Whom an answer is for.
    [[nodiscard]] static std::uint32_t receiver_of(Bytes answer) {
        return load_le<std::uint32_t>(answer.data() + (answer.size() == protocol::cookie_reply_size ? 4 : 8));
    }
    /// Takes a response or a cookie reply. Throws if it is neither, or not for this client.
    void take(Bytes answer, Boot now) {
        const auto message = protocol::decode(answer);
        if (!message) throw std::runtime_error("no answer");
        if (const auto* reply = std::get_if<protocol::CookieReplyView>(&*message)) {
            if (!jar_.handle_reply(*reply, now)) throw std::runtime_error("not our cookie");
            return;
        }
        const auto& response = std::get<protocol::ResponseView>(*message);
        auto keys = protocol::read_response(pending_.value(), ours_, server_, response);
        if (!keys) throw std::runtime_error("not our response");
        keys_.emplace(std::move(*keys));
        receiver_.value = response.sender();
        counter_ = 0;
    }

    [[nodiscard]] bool connected() const { return keys_.has_value(); }
    /// Requires: connected; `padded` is a multiple of 16 long, or empty.
    void seal(Bytes padded, MutableBytes out) { keys_->seal(receiver_, counter_++, padded, out); }
    [[nodiscard]] std::size_t overhead() const { return protocol::data_overhead(suite_); }

  private:
    Suite suite_;
    std::uint32_t number_;
    Random* random_;
    protocol::noise::KeyPair ours_;
    protocol::RemoteIdentity server_;
    protocol::CookieJar jar_;
    std::optional<protocol::PendingInitiation> pending_;
    std::optional<protocol::SessionKeys> keys_;
    protocol::RemoteIndex receiver_{};
    std::uint64_t counter_ = 0;
};

/// An IPv4 packet (protocol 253, for experiments: nothing is merged) of `size` bytes.
inline ByteVector plain_packet(const IpAddress& from, const IpAddress& to, std::size_t size) {
    ByteVector packet(size);
    packet[0] = std::byte{0x45};
    store_be(packet.data() + 2, static_cast<std::uint16_t>(size));
    packet[8] = std::byte{64};
    packet[9] = std::byte{253};
    copy(from.bytes(), MutableBytes(packet).subspan(12));
    copy(to.bytes(), MutableBytes(packet).subspan(16));
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 20; i += 2) sum += load_be<std::uint16_t>(packet.data() + i);
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    store_be(packet.data() + 10, static_cast<std::uint16_t>(~sum));
    return packet;
}

} // namespace vpn::bench
