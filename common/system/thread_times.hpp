// How much processor time the threads of this process have used (proc(5), /proc/self/task).
// Refuses to know: what they did with it.
#pragma once

#include "common/base/time.hpp"

#include <map>
#include <string>

namespace vpn::system {

/// By the threads' names; those of one name together. Counts in steps of the kernel's clock tick, a hundredth of a second.
std::map<std::string, Duration> thread_times();

} // namespace vpn::system
