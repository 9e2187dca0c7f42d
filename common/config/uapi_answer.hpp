// What an interface answers `wg` and its like (PROTOCOL 4): values -> text.
// Refuses to know: where the values come from.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"
#include "common/base/time.hpp"
#include "common/crypto/keys.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vpn::config {

struct UapiDeviceFacts {
    crypto::PrivateKey private_key; ///< all zeros: none
    Port listen_port;
    Mark mark;
};
struct UapiPeerFacts {
    crypto::PublicKey public_key;
    crypto::PresharedKey preshared_key; ///< all zeros: none
    std::optional<Endpoint> endpoint;
    std::optional<Wall> last_handshake;
    ByteCount sent;
    ByteCount received;
    std::chrono::seconds persistent_keepalive{0};
    std::vector<Prefix> allowed_ips;
};

/// The answer to a get, its end included. Holds secrets: the caller wipes it.
std::string format_uapi_answer(const UapiDeviceFacts& device, const std::vector<UapiPeerFacts>& peers);

/// How an answer ends: `errno` as `wg` wants it, positive for a get, negative for a set; zero is success.
std::string format_uapi_end(int error, bool of_get);

} // namespace vpn::config
