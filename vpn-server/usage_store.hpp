// How much of its quota each peer has used, on disk, so that a restart gives nobody a new one.
// Refuses to know: when to save.
#pragma once

#include "common/base/result.hpp"
#include "common/base/strong.hpp"
#include "common/crypto/keys.hpp"

#include <string>
#include <unordered_map>

namespace vpn::server {

using Usage = std::unordered_map<crypto::PublicKey, ByteCount>;

class UsageStore {
  public:
    /// `path` is a file of ours alone, e.g. /var/lib/vpn/server-vpns.usage.
    explicit UsageStore(std::string path) : path_(std::move(path)) {}

    /// Nothing if there is no file yet. Errors: unreadable, or not what we wrote.
    [[nodiscard]] Result<Usage> load() const;
    /// Atomic: the old file or the new one, never half of one. Errors: disk full, no permission.
    [[nodiscard]] Result<void> save(const Usage& usage) const;

  private:
    std::string path_;
};

} // namespace vpn::server
