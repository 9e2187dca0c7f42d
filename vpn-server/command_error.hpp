// Why a command could not be carried out, and the code that it ends with (EXPERIENCE, "Exit codes").
#pragma once

#include "common/base/result.hpp"
#include "common/config/error.hpp"
#include "common/system/exit_code.hpp"
#include "common/system/files.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace vpn::server {

using system::ExitCode;

struct CommandError : Failure {
    ExitCode code = ExitCode::failure;
};

template <class T> using CommandResult = Result<T, CommandError>;

/// Of a command that memory did not suffice for.
inline constexpr std::string_view out_of_memory = "the server has no memory left for this";

/// For `return refused(ExitCode::usage, "...")`.
inline tl::unexpected<CommandError> refused(ExitCode code, std::string message) {
    return tl::unexpected<CommandError>(CommandError{{std::move(message)}, code});
}
inline tl::unexpected<CommandError> refused(const Failure& failure) { return refused(ExitCode::failure, failure.message); }
inline tl::unexpected<CommandError> refused(const config::ConfigError& error) {
    return refused(ExitCode::bad_configuration, error.text());
}

/// For a file that is the configuration, or belongs to it: what is missing or open to others is bad configuration.
inline tl::unexpected<CommandError> refused_file(const system::FileError& error) {
    using Kind = system::FileError::Kind;
    if (error.kind == Kind::not_allowed) return refused(ExitCode::no_permission, error.message);
    return refused(error.kind == Kind::other ? ExitCode::failure : ExitCode::bad_configuration, error.message);
}

} // namespace vpn::server
