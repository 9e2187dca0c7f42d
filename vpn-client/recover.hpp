// `vpn-client recover`: takes back what crashed connections have left. Their locks stay shut.
#pragma once

#include "common/system/exit_code.hpp"

namespace vpn::client {

struct RecoverCommand {};

system::ExitCode recover(const RecoverCommand& command);

} // namespace vpn::client
