// The keys of one session, and what is done with them: immutable, so any thread may use them.
// Refuses to know: counters, windows, time. `session` counts; `replay_window` remembers.
#pragma once

#include "common/crypto/aead.hpp"
#include "common/protocol/message.hpp"

namespace vpn::protocol {

/// One direction's key each. Data messages have no associated data (PROTOCOL 2).
class SessionKeys {
  public:
    SessionKeys(Suite suite, crypto::AeadKey send, crypto::AeadKey receive)
        : aead_(facts_of(suite).aead), send_(std::move(send)), receive_(std::move(receive)) {}

    /// What a data message adds to what it carries.
    [[nodiscard]] std::size_t overhead() const { return data_header_size + crypto::tag_size(aead_); }

    /// Writes a whole data message to `out`: header, ciphertext of `padded`, tag.
    /// Requires: out.size() == padded.size() + overhead(); `out` and `padded` don't overlap, or `padded` is out[16..].
    void seal(RemoteIndex receiver, std::uint64_t counter, Bytes padded, MutableBytes out) const {
        encode_data_header(out, receiver, counter);
        crypto::seal(aead_, send_, counter, padded, {}, out.subspan(data_header_size));
    }

    /// Decrypts in place; gives the inner bytes, padding included. Errors: malformed, if it is shorter than overhead(); bad_tag.
    [[nodiscard]] Checked<MutableBytes> open(DataFields<std::byte> data) const {
        if (data.message.size() < overhead()) return dropped(Drop::malformed);
        const MutableBytes inner = data.message.subspan(data_header_size, data.message.size() - overhead());
        if (!crypto::open(aead_, receive_, data.counter(), data.sealed(), {}, inner)) return dropped(Drop::bad_tag);
        return inner;
    }

  private:
    crypto::Aead aead_;
    crypto::AeadKey send_;
    crypto::AeadKey receive_;
};

} // namespace vpn::protocol
