// A BLAKE2s hash in the making, over libb2. Internal to crypto: the others call `hash`, `keyed_mac` and `hmac`.
// Holds whatever key or secret it was fed, so it is wiped when it goes.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/secret.hpp"
#include "common/crypto/raw.hpp"

#include <blake2.h>

#include <cassert>
#include <initializer_list>

namespace vpn::crypto {

class Blake2sStream {
  public:
    /// Requires: `size`, of the digest, is 1 to 32.
    explicit Blake2sStream(std::size_t size) { blake2s_init(&state_, size); }
    /// Keyed. Requires: `key` has 1 to 32 bytes.
    Blake2sStream(std::size_t size, Bytes key) {
        assert(!key.empty() && key.size() <= BLAKE2S_KEYBYTES);
        blake2s_init_key(&state_, size, key.data(), key.size());
    }
    Blake2sStream(const Blake2sStream&) = delete;
    Blake2sStream& operator=(const Blake2sStream&) = delete;
    ~Blake2sStream() { wipe(std::as_writable_bytes(std::span(&state_, 1))); }

    Blake2sStream& add(Bytes part) {
        if (!part.empty()) blake2s_update(&state_, raw(part.data()), part.size());
        return *this;
    }
    Blake2sStream& add(std::initializer_list<Bytes> parts) {
        for (const Bytes part : parts) add(part);
        return *this;
    }
    /// Requires: `digest` has the size that was announced. Nothing may be added afterwards.
    void finish(MutableBytes digest) { blake2s_final(&state_, raw(digest.data()), digest.size()); }

  private:
    blake2s_state state_;
};

} // namespace vpn::crypto
