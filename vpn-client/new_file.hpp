// A file that a command makes for its owner alone, and never over one that is there.
#pragma once

#include "common/system/files.hpp"
#include "vpn-client/refusal.hpp"

#include <string>
#include <string_view>

namespace vpn::client {

/// What a command ends with if a file could not be read or written.
system::ExitCode code_of(const system::FileError& error);

/// Errors: failure if something is at `path` already, before anything is written.
Granted<void> check_new(const std::string& path);

/// Mode 0600, whole or not at all. Errors: those of check_new; no_permission; failure.
Granted<void> write_new(const std::string& path, std::string_view text);

/// The same, replacing what is there.
Granted<void> write_over(const std::string& path, std::string_view text);

/// Where connections live that go by name; made if it is missing.
Granted<void> make_connection_directory();

} // namespace vpn::client
