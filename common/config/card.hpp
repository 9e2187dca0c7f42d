// Handing over a peer without its private key travelling (EXPERIENCE, "Files that peers exchange"): the client keeps a key that
// waits, and gives its card to the server, whose answer is a client's file with the card's key in place of the private one.
// Refuses to know: where any of these lie.
#pragma once

#include "common/config/client_config.hpp"
#include "common/config/error.hpp"
#include "common/crypto/keys.hpp"

#include <string>
#include <string_view>

namespace vpn::config {

/// Nothing of it is secret.
struct Card {
    std::string name;
    crypto::PublicKey public_key;
    friend bool operator==(const Card&, const Card&) = default;
};

/// Strict, like every file of ours.
Parsed<Card> decode_card(std::string_view text, std::string_view file);
std::string encode(const Card& card);

/// A connection's file that has a private key and nothing else yet.
Parsed<crypto::PrivateKey> decode_waiting_key(std::string_view text, std::string_view file);
/// Holds a secret: the caller wipes it.
std::string encode_waiting_key(const crypto::PrivateKey& key);

} // namespace vpn::config
