#include "common/protocol/own_keys.hpp"

namespace vpn::protocol {
namespace {

std::optional<noise::KeyPair> old_pair(const noise::KeyPair& current, crypto::PrivateKey old) {
    if (old.is_zero() || current.private_key.is_zero()) return std::nullopt;
    noise::KeyPair pair(std::move(old));
    return pair.public_key == current.public_key ? std::nullopt : std::optional(std::move(pair));
}

std::optional<MacKeys> mac_keys_of(const std::optional<noise::KeyPair>& pair) {
    return pair ? std::optional(MacKeys(pair->public_key)) : std::nullopt;
}

} // namespace

OwnKeys::OwnKeys(crypto::PrivateKey current) : OwnKeys(std::move(current), {}) {}

OwnKeys::OwnKeys(crypto::PrivateKey current, crypto::PrivateKey old)
    : current_(std::move(current)), old_(old_pair(current_, std::move(old))),
      mac_keys_(MacKeys(current_.public_key), mac_keys_of(old_)) {}

const noise::KeyPair* OwnKeys::find(const crypto::PublicKey& key) const {
    if (key == current_.public_key) return &current_;
    return old_ && key == old_->public_key ? &*old_ : nullptr;
}

const noise::KeyPair& OwnKeys::meant_by(MacFields<const std::byte> macs) const {
    return mac_keys_.means_old(macs) ? *old_ : current_;
}

bool operator==(const OwnKeys& a, const OwnKeys& b) {
    if (!equal_in_constant_time(a.current_.private_key, b.current_.private_key)) return false;
    if (!a.old_ || !b.old_) return a.old_.has_value() == b.old_.has_value();
    return equal_in_constant_time(a.old_->private_key, b.old_->private_key);
}

} // namespace vpn::protocol
