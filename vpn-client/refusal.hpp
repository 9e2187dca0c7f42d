// Why a command ends without having done what it was asked for: for the person, and for the shell.
#pragma once

#include "common/base/result.hpp"
#include "common/system/exit_code.hpp"
#include "vpn-client/reason.hpp"

#include <optional>
#include <string>
#include <utility>

namespace vpn::client {

struct Refusal {
    system::ExitCode code = system::ExitCode::failure;
    /// One line or several, without the last one's end.
    std::string message;
    /// With ExitCode::no_tunnel.
    std::optional<Reason> reason;
};

template <class T> using Granted = Result<T, Refusal>;

inline tl::unexpected<Refusal> refuse(system::ExitCode code, std::string message) {
    return tl::unexpected<Refusal>(Refusal{code, std::move(message), std::nullopt});
}
inline tl::unexpected<Refusal> refuse(Reason reason, std::string message) {
    return tl::unexpected<Refusal>(Refusal{system::ExitCode::no_tunnel, std::move(message), reason});
}

} // namespace vpn::client
