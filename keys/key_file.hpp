// A key in a file of its own: one line of base64, as `wg genkey > FILE` leaves it.
// Refuses to know: configuration files, and what the key is for.
#pragma once

#include "common/crypto/keys.hpp"
#include "common/system/files.hpp"

#include <optional>
#include <string>

namespace vpn::keys {

struct KeyFileError : Failure {
    /// What was wrong with the file; nothing if the file could be read and held no key.
    std::optional<system::FileError::Kind> file;
};

/// Reads a key from a file that only its owner may read or write.
/// Errors: those of system::read_private_file; a text that is no key, which is not shown.
Result<crypto::PrivateKey, KeyFileError> read_private_key(const std::string& path);
Result<crypto::PresharedKey, KeyFileError> read_preshared_key(const std::string& path);

/// Writes a key, mode 0600, whole or not at all. What was at `path` is replaced.
Result<void, KeyFileError> write_private_key(const std::string& path, const crypto::PrivateKey& key);
Result<void, KeyFileError> write_preshared_key(const std::string& path, const crypto::PresharedKey& key);

} // namespace vpn::keys
