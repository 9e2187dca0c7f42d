// Whose turn it is to look at this machine and change it: one connection is made or taken back at a time.
#pragma once

#include "common/base/time.hpp"
#include "common/system/instance_lock.hpp"
#include "vpn-client/refusal.hpp"

#include <functional>

namespace vpn::client {

/// Waits for it, at most ten seconds: another one's commands to the kernel take a moment. Gives up when `stop` says so.
Granted<system::InstanceLock> wait_for_turn(const std::function<bool()>& stop = [] { return false; });

} // namespace vpn::client
