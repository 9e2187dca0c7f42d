// A listening TCP socket.
// Refuses to know: what is said through it, and who may come.
#pragma once

#include "common/base/ip.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

namespace vpn::system {

/// Non-blocking. Errors: EADDRINUSE; EADDRNOTAVAIL if the address is not this machine's; EACCES below port 1024.
OsResult<UniqueFd> listen_tcp(const Endpoint& endpoint);

} // namespace vpn::system
