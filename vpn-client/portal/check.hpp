// Asks outside of the tunnel whether a captive portal keeps us out: one question of plain HTTP, a bounded look at the answer, and
// nothing more. Refuses to know: whether it is right to ask now (a lock that is shut lets no such question out, and must not).
#pragma once

#include "common/base/strong.hpp"
#include "common/base/time.hpp"
#include "vpn-client/portal/answer.hpp"

#include <memory>
#include <vector>

namespace vpn::client {

struct PortalQuestion {
    config::HttpUrl url;
    /// Where the host is; empty: this machine's resolvers are asked.
    std::vector<IpAddress> addresses;
    /// Of the socket; zero: none.
    Mark mark;
    /// For all of it.
    Duration limit;
};

/// Waits for the answer. What goes wrong makes it unknown.
WayOut ask_for_way_out(const PortalQuestion& question);

/// The same, under way in a thread of its own. Movable; when it goes first, the answer goes nowhere. Not thread-safe.
class PortalCheck {
  public:
    /// Throws std::system_error if the kernel has no thread or descriptor left.
    explicit PortalCheck(PortalQuestion question);

    /// Readable once the answer is there.
    [[nodiscard]] int fd() const;
    /// Once. Requires: fd() is readable.
    [[nodiscard]] WayOut take();

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

} // namespace vpn::client
