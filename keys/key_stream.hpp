// A key through a descriptor: typed, piped or redirected. Nothing here buffers, so no copy of a key stays behind.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/keys.hpp"

namespace vpn::keys {

/// Reads to the end: one key, then blanks. Stops at the first thing that can't belong to a key and after some thousand blanks,
/// so that an endless input ends.
/// Errors: what was wrong with the input, as a sentence without any of it.
Result<crypto::PrivateKey> read_private_key_from(int fd);

/// Writes the key and an end of line.
Result<void> write_key_to(int fd, std::span<const std::byte, crypto::key_size> key);

/// True if `fd` is a regular file that people who are neither its owner nor in its group may use.
bool is_open_to_the_world(int fd);

} // namespace vpn::keys
