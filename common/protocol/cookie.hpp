// The two MACs that end a handshake message, and the cookie that a busy responder asks for (PROTOCOL 2; WireGuard
// paper 5.4.4, 5.4.7). mac1 says "I know whom I speak to", mac2 says "and I get mail at this address". Refuses to know: when to
// ask for a cookie (load_meter) and what else is in a message.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/crypto/keys.hpp"
#include "common/protocol/message.hpp"

#include <optional>

namespace vpn::protocol {

using Cookie = Secret<16>;

/// The keys that both sides make from the receiver's public key. Immutable: any thread may check with them.
class MacKeys {
  public:
    explicit MacKeys(const crypto::PublicKey& receiver);

    /// True if a handshake message is meant for this receiver. The one question asked before any work is done.
    [[nodiscard]] bool mac1_is_valid(MacFields<const std::byte> macs) const;
    void write_mac1(MacFields<std::byte> macs) const;
    [[nodiscard]] const crypto::Hash& cookie_key() const { return cookie_key_; }

  private:
    crypto::Hash mac1_key_;
    crypto::Hash cookie_key_;
};

/// The responder's part: makes cookies and knows its own again.
class CookieMint {
  public:
    /// True if mac2 holds the cookie that this source was given in the last 120 s.
    [[nodiscard]] bool mac2_is_valid(MacFields<const std::byte> macs, const Endpoint& source, Boot now) const;

    /// Writes a cookie reply (64 bytes) to the message with these MACs, sent by `source` under `sender`.
    void write_reply(const MacKeys& ours, MacFields<const std::byte> macs, RemoteIndex sender, const Endpoint& source, Boot now,
                     Random& random, MutableBytes out);

  private:
    [[nodiscard]] Cookie cookie_for(const Endpoint& source) const;
    Secret<32> secret_;
    std::optional<Boot> made_;
};

/// The initiator's part, one per peer: writes both MACs and keeps the cookie that the peer sent.
class CookieJar {
  public:
    explicit CookieJar(const crypto::PublicKey& peer) : keys_(peer) {}

    void write_macs(MacFields<std::byte> macs, Boot now);

    /// Keeps the cookie if it answers the last mac1 that we sent. Nothing is sent because of it, and nobody roams.
    /// Errors: bad_tag, also when nothing was asked.
    [[nodiscard]] Checked<void> handle_reply(const CookieReplyView& reply, Boot now);

  private:
    MacKeys keys_;
    std::optional<crypto::Mac> last_mac1_;
    Cookie cookie_;
    std::optional<Boot> received_;
};

} // namespace vpn::protocol
