// The process that runs a connection's hooks: by bash as wg-quick(8) runs them, one after the other, with the interface's name
// for %i. What they print goes to stderr. They are root and may do anything, but they get nothing of ours for it: no variable of
// whoever called us, no descriptor, no terminal to read from (THREATS, "hostile files"). It holds the hooks and nothing else, no
// key among them, and ends with its daemon, however that ends.
// Refuses to know: whether they may run, and the network.
#pragma once

#include "common/system/unique_fd.hpp"

namespace vpn::client {

/// What it is called among processes.
inline constexpr auto hook_process_name = "vpn-hooks";

/// Obeys the datagrams that come through the door (hook_messages). Each hook runs for its moment's time at most; of PreUp and
/// PostUp the first that does not come to a good end is the last, and one that runs is ended when the door is closed or a word
/// comes; what was begun of PreDown or PostDown is done to its end.
/// Requires: a process of our own, just forked, with one thread and no key in memory. Signals don't end it.
[[noreturn]] void live_for_hooks(system::UniqueFd door);

} // namespace vpn::client
