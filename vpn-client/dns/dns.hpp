// The name servers of a connection, applied to this machine; and taken away again when this object goes. One thread.
// Refuses to know: which they are (dns_plan), and who has to be told (dns_choice). EXPERIENCE, "How it behaves".
#pragma once

#include "common/system/log.hpp"
#include "vpn-client/dns/dns_choice.hpp"
#include "vpn-client/dns/dns_journal.hpp"
#include "vpn-client/dns/resolv_conf_keeper.hpp"
#include "vpn-client/dns/resolved.hpp"
#include "vpn-client/watch.hpp"

#include <memory>
#include <optional>
#include <string>

namespace vpn::client {

/// Takes back what a connection that runs no more has left.
void take_back_dns(std::string_view connection);

class Dns {
  public:
    /// Requires: the interface is up and has its addresses; leftovers are cleaned up.
    /// Errors: it can't be done as planned, and nothing has changed.
    static Result<Dns> apply(const DnsPlan& plan, const std::string& connection, const std::string& interface,
                             std::uint32_t index);
    Dns(Dns&&) noexcept;
    Dns& operator=(Dns&&) noexcept;
    ~Dns();

    /// From now on it is told again to who forgot it, and put up again where somebody took it away; each is logged.
    void keep(boost::asio::io_context& loop, const system::Logger& log);

    /// As if it had never been applied, until step_back: while the tunnel is paused.
    void step_aside();
    Result<void> step_back();

    [[nodiscard]] const DnsPlan& plan() const;
    /// `systemd-resolved`, `resolvconf`, `resolv.conf`, or two of them; empty if nothing was planned.
    [[nodiscard]] std::string back_end() const;
    /// False while it stands aside, and once somebody else has won.
    [[nodiscard]] bool stands() const;

  private:
    struct Parts;
    explicit Dns(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

} // namespace vpn::client
