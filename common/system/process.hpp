// What a process does to itself: locks its memory, looks at its privileges, raises its limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vpn::system {

/// Locks all memory, present and future, as it is touched; forbids cores and other processes' looks.
/// Not inherited over fork: a daemon calls it after it has daemonised, before it reads a key.
/// Returns what could not be done, as one sentence; nullopt if all was.
[[nodiscard]] std::optional<std::string> protect_memory();

/// Puts /dev/null in the place of standard streams that are closed: else what is opened next stands there, and is written to like
/// one. Call first of all.
void open_missing_streams();

/// Gives memory that was freed back to the kernel, as far as it lies at the heap's end: after something that took much for a
/// while.
void give_back_memory();

/// From now on a block of 256 KiB or more is a mapping of its own, which the kernel has back when it is freed. In the heap's
/// midst it never would, where pages are locked. For a process that lives long, before it takes any.
void keep_large_blocks_apart();

/// CAP_NET_ADMIN is effective: interfaces, routes and nftables can be changed.
bool has_net_admin();

/// Raises the number of descriptors to the hard limit. Returns what it is now.
std::uint64_t raise_open_files_limit();

} // namespace vpn::system
