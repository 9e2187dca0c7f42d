// vpn-client card NAME: a key that never leaves this machine, waiting in the connection's file, and the card that the server is
// given.
#pragma once

#include "common/config/client_config.hpp"
#include "common/system/exit_code.hpp"
#include "vpn-client/connection_name.hpp"

#include <string>

namespace vpn::client {

struct CardCommand {
    std::string name;
};

system::ExitCode card(const CardCommand& command);

/// Puts a server's answer in the place of the key that waits in `waiting`, joined with it.
/// Errors: bad_configuration if no key waits there, or the answer is to another card.
Granted<void> join_answer(config::ClientConfig answer, const ConnectionName& waiting);

} // namespace vpn::client
