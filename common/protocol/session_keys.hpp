// The keys of one session, and what is done with them: immutable, so any thread may use them.
// Refuses to know: counters, windows, time. `session` counts; `replay_window` remembers.
#pragma once

#include "common/crypto/aead.hpp"
#include "common/protocol/message.hpp"

namespace vpn::protocol {

/// One direction's key each. Data messages have no associated data (PROTOCOL 2).
class SessionKeys {
  public:
    SessionKeys(crypto::AeadKey send, crypto::AeadKey receive) : send_(std::move(send)), receive_(std::move(receive)) {}

    /// Writes a whole data message to `out`: header, ciphertext of `padded`, tag.
    /// Requires: out.size() == padded.size() + 32; `out` and `padded` don't overlap, or `padded` is out[16..].
    void seal(RemoteIndex receiver, std::uint64_t counter, Bytes padded, MutableBytes out) const {
        encode_data_header(out, receiver, counter);
        crypto::seal(crypto::Aead::chacha20_poly1305, send_, counter, padded, {}, out.subspan(data_header_size));
    }

    /// Decrypts in place; gives the inner bytes, padding included. Errors: bad_tag.
    [[nodiscard]] Checked<MutableBytes> open(DataFields<std::byte> data) const {
        const MutableBytes sealed = data.sealed();
        const MutableBytes inner = sealed.first(sealed.size() - data_tag_size);
        if (!crypto::open(crypto::Aead::chacha20_poly1305, receive_, data.counter(), sealed, {}, inner))
            return dropped(Drop::bad_tag);
        return inner;
    }

  private:
    crypto::AeadKey send_;
    crypto::AeadKey receive_;
};

} // namespace vpn::protocol
