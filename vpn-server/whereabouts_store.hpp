// Where each peer was seen last, on disk, so that a server that starts again finds its peers.
// Refuses to know: when to save.
#pragma once

#include "common/base/path.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/crypto/keys.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::server {

struct Whereabouts {
    crypto::PublicKey peer;
    Endpoint endpoint;
    Wall handshake;                           ///< the last one
    std::optional<crypto::PublicKey> own_key; ///< which of the server's keys it used then; none: not known
};

class WhereaboutsStore {
  public:
    /// `path` is a file of ours alone, e.g. /var/lib/vpn/server-vpns.endpoints.
    explicit WhereaboutsStore(std::string path) : path_(std::move(path)) {}

    /// Nothing if there is no file yet. Errors: unreadable, or not what we wrote.
    [[nodiscard]] Result<std::vector<Whereabouts>> load() const;
    /// Atomic: the old file or the new one, never half of one. Errors: disk full, no permission.
    [[nodiscard]] Result<void> save(const std::vector<Whereabouts>& all) const;

  private:
    std::string path_;
};

} // namespace vpn::server
