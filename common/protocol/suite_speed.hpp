// Whether a suite is slow on this machine: the one place that says what makes it so (EXPERIENCE: `peer add` and `status` tell).
// Refuses to know: what to tell people about it.
#pragma once

#include "common/crypto/aead.hpp"
#include "common/protocol/suite.hpp"

namespace vpn::protocol {

/// Suite `wireguard` would be faster here. Throws as crypto::aegis_is_fast.
[[nodiscard]] inline bool is_slow_here(Suite suite) {
    return facts_of(suite).aead == crypto::Aead::aegis256 && !crypto::aegis_is_fast();
}

} // namespace vpn::protocol
