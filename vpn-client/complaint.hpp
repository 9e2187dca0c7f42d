// How a refusal looks on stderr.
#pragma once

#include "vpn-client/refusal.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// `vpn-client: MESSAGE`, and `reason=TOKEN` as the last line if there is one. Ends with a line's end. Pure.
std::string complaint_text(const Refusal& refusal);

/// Says it on stderr. The code to end with.
system::ExitCode complain(const Refusal& refusal);

/// Each as a line on stderr.
void say_notes(const std::vector<std::string>& notes);

} // namespace vpn::client
