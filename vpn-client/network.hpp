// A plan, put up; and taken down again in the opposite order when this object goes.
// Refuses to know: why. `network_plan` decides.
#pragma once

#include "common/base/result.hpp"
#include "common/system/netlink.hpp"
#include "common/system/nftables.hpp"
#include "vpn-client/journal.hpp"
#include "vpn-client/network_plan.hpp"

#include <memory>
#include <vector>

namespace vpn::client {

/// Puts the sysctl back, unless one of `others` still needs it. Do it before the journal goes, in case that is where we crash,
/// and once more then, so that of two who end at the same time the second sees that it is the last.
void give_back_valid_mark(const Journal& journal, const std::vector<Journal>& others);

class Network {
  public:
    /// Puts up all of the plan, or nothing. Requires: the interface of that index is there, and leftovers are cleaned up.
    static Result<Network> apply(system::Netlink netlink, system::Nftables nftables, std::string_view connection,
                                 const NetworkPlan& plan, const std::vector<Journal>& running);
    /// The same for a plan apart, in a network namespace that goes with its program: nothing of it is written down.
    static Result<Network> apply_apart(system::Netlink netlink, system::Nftables nftables, const NetworkPlan& plan);
    Network(Network&&) noexcept;
    Network& operator=(Network&&) noexcept;
    ~Network();

    /// Puts up again what the kernel took away when somebody set the interface down and up.
    void repair();
    /// The interface gets another MTU, its routes a smaller one where it may not go so low (else zero), and the firewall what
    /// goes with it.
    Result<void> set_mtu(std::uint32_t mtu, std::uint32_t routes_mtu, std::string_view firewall_commands);
    /// Puts up the firewall's table again where somebody has removed or changed it. True if it had to be.
    Result<bool> restore_firewall();
    /// Takes down what sends packets into the tunnel, rules and routes alike, and puts it up again. The interface's addresses
    /// stay, and with them the way to the rest of their networks.
    void step_aside();
    Result<void> step_back();

  private:
    struct Parts;
    explicit Network(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

} // namespace vpn::client
