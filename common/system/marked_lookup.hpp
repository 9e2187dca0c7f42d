// A name into endpoints by asking certain name servers, through sockets that carry a mark: where the machine's own resolvers are
// the wrong ones to ask (c-ares). /etc/hosts counts, as it does for everybody. Nothing blocks.
// Refuses to know: which servers those are, and which of the endpoints is any good.
#pragma once

#include "common/base/resolver.hpp"
#include "common/base/strong.hpp"
#include "common/system/resolver.hpp"
#include "common/system/socket_stock.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vpn::system {

/// A look-up under way. When it goes, so do its sockets. Not thread-safe.
class MarkedLookup {
  public:
    /// Asks them in this order, each with a patience of seconds; a link-local one by its interface. With no mark (zero), sockets
    /// have none. With a stock its sockets are used, and it outlives this. Requires: any server. Throws std::system_error if the
    /// kernel has no descriptor left, std::bad_alloc if there is no memory.
    MarkedLookup(const std::string& host, Port port, const std::vector<Resolver>& servers, Mark mark,
                 SocketStock* stock = nullptr);
    MarkedLookup(MarkedLookup&&) noexcept;
    MarkedLookup& operator=(MarkedLookup&&) noexcept;
    ~MarkedLookup();

    /// Readable when there is something to handle.
    [[nodiscard]] int fd() const;
    /// Goes on as far as it can. The answer, once; both families, in the order in which they came.
    [[nodiscard]] std::optional<Resolved> handle_events();

  private:
    class State;
    std::unique_ptr<State> state_;
};

} // namespace vpn::system
