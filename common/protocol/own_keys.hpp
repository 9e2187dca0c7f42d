// Our own static keys: the one that we have, and for a time the one before it, so that a change of key cuts nobody off
// (HYBRID.md 4). A message names by its mac1 which of them it means.
// Refuses to know: when the old one ends, and which of them a peer uses (peer).
#pragma once

#include "common/protocol/cookie.hpp"
#include "common/protocol/noise.hpp"

#include <optional>

namespace vpn::protocol {

/// The MAC keys of those of ours that answer. Immutable: any thread may check with them.
class OwnMacKeys {
  public:
    OwnMacKeys(const MacKeys& current, const std::optional<MacKeys>& old = std::nullopt) : current_(current), old_(old) {}

    /// See MacKeys::mac1_is_valid; of either key.
    [[nodiscard]] bool mac1_is_valid(MacFields<const std::byte> macs) const {
        return current_.mac1_is_valid(macs) || means_old(macs);
    }
    /// True if the old key is meant, and there is one.
    [[nodiscard]] bool means_old(MacFields<const std::byte> macs) const { return old_ && old_->mac1_is_valid(macs); }
    /// Those of the key that a message means; the current one's if its mac1 fits neither.
    [[nodiscard]] const MacKeys& meant_by(MacFields<const std::byte> macs) const { return means_old(macs) ? *old_ : current_; }

  private:
    MacKeys current_;
    std::optional<MacKeys> old_;
};

class OwnKeys {
  public:
    /// One key, as nearly everybody has. All zeros: none.
    OwnKeys(crypto::PrivateKey current);
    /// Both answer. An old key that is all zeros, or the current one, is none; and without a current one there is no old one.
    OwnKeys(crypto::PrivateKey current, crypto::PrivateKey old);

    [[nodiscard]] const noise::KeyPair& current() const { return current_; }
    /// Null if there is none.
    [[nodiscard]] const noise::KeyPair* old() const { return old_ ? &*old_ : nullptr; }
    /// Null if that key is none of ours.
    [[nodiscard]] const noise::KeyPair* find(const crypto::PublicKey& key) const;
    [[nodiscard]] const OwnMacKeys& mac_keys() const { return mac_keys_; }
    /// The key that a handshake message means; the current one if its mac1 fits neither, as of a message that waited while the
    /// old one ended.
    [[nodiscard]] const noise::KeyPair& meant_by(MacFields<const std::byte> macs) const;

    /// Compares secrets in constant time.
    friend bool operator==(const OwnKeys& a, const OwnKeys& b);

  private:
    noise::KeyPair current_;
    std::optional<noise::KeyPair> old_;
    OwnMacKeys mac_keys_;
};

} // namespace vpn::protocol
