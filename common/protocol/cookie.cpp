#include "common/protocol/cookie.hpp"

#include "common/crypto/aead.hpp"
#include "common/protocol/constants.hpp"

namespace vpn::protocol {

MacKeys::MacKeys(const crypto::PublicKey& receiver)
    : mac1_key_(crypto::hash({bytes_of("mac1----"), receiver.bytes})),
      cookie_key_(crypto::hash({bytes_of("cookie--"), receiver.bytes})) {}

bool MacKeys::mac1_is_valid(MacFields<const std::byte> macs) const {
    return equal_in_constant_time(crypto::keyed_mac(mac1_key_, {macs.before_mac1()}), macs.mac1());
}

void MacKeys::write_mac1(MacFields<std::byte> macs) const {
    copy(crypto::keyed_mac(mac1_key_, {macs.before_mac1()}), macs.mac1());
}

Cookie CookieMint::cookie_for(const Endpoint& source) const {
    ByteArray<2> port{};
    store_be(port.data(), source.port.value);
    return Cookie(crypto::keyed_mac(secret_.view(), {source.address.bytes(), port}));
}

bool CookieMint::mac2_is_valid(MacFields<const std::byte> macs, const Endpoint& source, Boot now) const {
    if (!made_ || now - *made_ >= cookie_lifetime) return false;
    const Cookie cookie = cookie_for(source);
    return equal_in_constant_time(crypto::keyed_mac(cookie.view(), {macs.before_mac2()}), macs.mac2());
}

void CookieMint::write_reply(const MacKeys& ours, MacFields<const std::byte> macs, RemoteIndex sender, const Endpoint& source,
                             Boot now, Random& random, MutableBytes out) {
    if (!made_ || now - *made_ >= cookie_lifetime) {
        random.fill(secret_.mutable_view());
        made_ = now;
    }
    const CookieReplyFields<std::byte> reply = encode_cookie_reply(out, sender);
    crypto::XNonce nonce{};
    random.fill(nonce);
    copy(nonce, reply.nonce());
    crypto::seal_x(ours.cookie_key(), nonce, cookie_for(source).view(), macs.mac1(), reply.sealed_cookie());
}

void CookieJar::write_macs(MacFields<std::byte> macs, Boot now) {
    keys_.write_mac1(macs);
    last_mac1_.emplace();
    copy(macs.mac1(), *last_mac1_);
    if (received_ && now - *received_ < cookie_lifetime)
        copy(crypto::keyed_mac(cookie_.view(), {macs.before_mac2()}), macs.mac2());
}

Checked<void> CookieJar::handle_reply(const CookieReplyView& reply, Boot now) {
    if (!last_mac1_) return dropped(Drop::bad_tag);
    crypto::XNonce nonce{};
    copy(reply.nonce(), nonce);
    Cookie cookie;
    if (!crypto::open_x(keys_.cookie_key(), nonce, reply.sealed_cookie(), *last_mac1_, cookie.mutable_view()))
        return dropped(Drop::bad_tag);
    cookie_ = std::move(cookie);
    received_ = now;
    last_mac1_.reset(); // one reply for one message
    return {};
}

} // namespace vpn::protocol
