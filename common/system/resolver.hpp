// Names into endpoints, by this machine's own resolver (getaddrinfo), which may take its time: in a thread of its own, so that
// nobody is held up, and given up on when the caller's patience ends. Refuses to know: which of the endpoints is any good.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace vpn::system {

struct ResolveError : Failure {
    enum class Kind : std::uint8_t {
        not_found,  ///< there is no such name, or it has no address
        try_again,  ///< the resolvers could not say: unreachable, or failing themselves
        timed_out,  ///< the caller's limit passed first
        unexpected, ///< the machine's own trouble
    };
    Kind kind = Kind::unexpected;
};

/// In the order in which they should be tried (RFC 6724), none twice; at least one.
using Resolved = Result<std::vector<Endpoint>, ResolveError>;

/// A look-up under way. Movable; when it goes first, the answer goes nowhere. Not thread-safe.
class Lookup {
  public:
    /// `host` is a name or an address. Throws std::system_error if the kernel has no thread or descriptor left.
    Lookup(std::string host, Port port);

    /// Readable once the answer is there.
    [[nodiscard]] int fd() const;
    /// Requires: fd() is readable, and nobody took it yet.
    [[nodiscard]] Resolved take();

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

/// Waits for a look-up, at most `limit`. Throws like Lookup.
Resolved resolve(const std::string& host, Port port, Duration limit);

/// A name or an address, and the port of the endpoints.
struct Wanted {
    std::string host;
    Port port;
};
/// Looks several up beside each other, and waits for all of them, at most `limit`: an answer for each, in their order. Throws
/// like Lookup.
std::vector<Resolved> resolve_all(const std::vector<Wanted>& all, Duration limit);

} // namespace vpn::system
