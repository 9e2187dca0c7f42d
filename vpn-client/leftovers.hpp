// What a crash left behind, taken back; and what somebody else has that we would need.
#pragma once

#include "common/base/result.hpp"
#include "common/system/instance_lock.hpp"
#include "common/system/netlink.hpp"
#include "common/system/nftables.hpp"
#include "vpn-client/journal.hpp"
#include "vpn-client/network_plan.hpp"

#include <string_view>
#include <vector>

namespace vpn::client {

/// The lock of a connection whose daemon runs no more, so that nobody starts it meanwhile. None if it runs. The kernel takes a
/// moment to end a process that was killed: somebody who holds the lock and does not answer is waited for, a few seconds at most.
std::optional<system::InstanceLock> lock_of_ended(const std::string& name);

/// Takes back what connections that run no more have left, `own` among them (whose lock the caller holds).
/// The journals of those that do run.
std::vector<Journal> clean_up_leftovers(system::Netlink& netlink, system::Nftables& nftables, std::string_view own);

/// The first slot that none of them has. None if there are too many.
std::optional<unsigned> free_slot(const std::vector<Journal>& running);

/// Refuses a plan whose mark, table or rule priorities somebody else uses, and says which. Changes nothing.
Result<void> check_unused(const NetworkPlan& plan, const std::vector<system::Rule>& rules,
                          const std::vector<system::Route>& routes, const std::vector<Journal>& running);

} // namespace vpn::client
