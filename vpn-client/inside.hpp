// What leads into the tunnel without being its traffic: made before the process gave up the privilege to make it, in the network
// where the interface is. Refuses to know: who is asked, and why.
#pragma once

#include "vpn-client/echo_listener.hpp"
#include "vpn-client/inside_sockets.hpp"

namespace vpn::client {

struct Inside {
    InsideSockets at_start;                 ///< to ask whether it works
    InsideSockets for_status;               ///< to ask how well, while somebody looks
    system::OsResult<EchoListener> of_path; ///< hears how large packets pass
};

} // namespace vpn::client
