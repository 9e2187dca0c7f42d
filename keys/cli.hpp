// The command line of `vpn-keys`.
// Refuses to know: keys.
#pragma once

#include "common/system/exit_code.hpp"

#include <tl/expected.hpp>

#include <cstdint>

namespace vpn::keys {

enum class Command : std::uint8_t { genkey, pubkey, genpsk };

/// What was asked for; or how to end, once help, a version or a mistake has been printed.
tl::expected<Command, system::ExitCode> parse_command_line(int argc, const char* const* argv);

} // namespace vpn::keys
