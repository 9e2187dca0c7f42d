// systemd-resolved, told over D-Bus which name servers a link has (org.freedesktop.resolve1(5)).
// What it was told goes with the link. Refuses to know: which servers those are, and who reads /etc/resolv.conf.
#pragma once

#include "common/base/result.hpp"
#include "vpn-client/dns/dns_plan.hpp"
#include "vpn-client/dns/resolver_choice.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace vpn::client {

/// The servers of all links, ours too, and of the whole machine. None: it gives no answer within a moment.
std::optional<std::vector<LinkServer>> ask_resolved_for_servers();

/// A connection to the system's bus, of one thread.
class Resolved {
  public:
    /// None if there is no bus, or nobody of that name on it. `start_it`: the bus may start it, if it knows how.
    static std::optional<Resolved> find(bool start_it);
    Resolved(Resolved&&) noexcept;
    Resolved& operator=(Resolved&&) noexcept;
    ~Resolved();

    /// Gives the link the servers and domains of the plan, and forgets what was answered before.
    /// Waits a moment for a link that is too new to be known there.
    Result<void> set_link(std::uint32_t interface, const DnsPlan& plan);
    /// As if set_link had never been.
    void revert_link(std::uint32_t interface);

    /// Readable when there is something to handle.
    [[nodiscard]] int fd() const;
    enum class News : std::uint8_t {
        none,
        came, ///< it was restarted, and knows nothing of us
        bus_gone,
    };
    News handle_events();

  private:
    struct Bus;
    explicit Resolved(std::unique_ptr<Bus> bus);
    std::unique_ptr<Bus> bus_;
};

} // namespace vpn::client
