// Which names are to be looked up now, of all that somebody wants to know: each once at a time, not again for half a minute, and
// only a few beside each other. Pure. Refuses to know: who is asked, and what for.
#pragma once

#include "common/base/time.hpp"
#include "common/config/host_port.hpp"

#include <map>
#include <optional>
#include <vector>

namespace vpn::client {

class LookupQueue {
  public:
    /// So many are under way at most.
    static constexpr std::size_t most_at_a_time = 4;
    static constexpr Duration between = std::chrono::seconds(30);

    LookupQueue() = default;
    /// These have just been looked up.
    LookupQueue(const std::vector<config::HostPort>& names, Boot now);

    /// Nothing happens if it is under way, waits already, or was asked for lately.
    void want(const config::HostPort& name, Boot now);
    /// The next one, which is under way from now on. None: nobody waits, or enough are under way.
    std::optional<config::HostPort> next(Boot now);
    /// There is an answer, or there will be none.
    void handle_end(const config::HostPort& name);
    /// What is under way went by ways that are no more: it waits again, before the others. No name was asked for lately.
    void begin_anew();

    [[nodiscard]] bool is_idle() const { return under_way_.empty(); }

  private:
    std::vector<config::HostPort> waiting_;
    std::vector<config::HostPort> under_way_;
    std::map<config::HostPort, Boot> asked_;
};

} // namespace vpn::client
