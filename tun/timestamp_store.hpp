// Handshake timestamps on disk (PROTOCOL 2): the greatest we sent to and accepted from each peer outlive a restart, so that a
// clock that went back locks nobody out, and an old initiation can't be replayed at a new process.
// Refuses to know: when to save; the programs do so soon after Engine tells them, and at the end.
#pragma once

#include "common/base/result.hpp"
#include "common/protocol/peer.hpp"

#include <string>
#include <vector>

namespace vpn::tun {

class TimestampStore {
  public:
    /// `path` is a file of ours alone, e.g. /var/lib/vpn/server-vpns.timestamps.
    explicit TimestampStore(std::string path) : path_(std::move(path)) {}

    /// Nothing if there is no file yet. Errors: unreadable, or not what we wrote.
    [[nodiscard]] Result<std::vector<protocol::Timestamps>> load() const;
    /// Atomic: the old file or the new one, never half of one. Errors: disk full, no permission.
    [[nodiscard]] Result<void> save(const std::vector<protocol::Timestamps>& timestamps) const;

  private:
    std::string path_;
};

} // namespace vpn::tun
