// The daemons of connections that run on this machine, as commands talk to them.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/system/exit_code.hpp"
#include "vpn-client/report.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

struct DaemonError : Failure {
    enum class Kind : std::uint8_t { not_running, not_allowed, no_answer };
    Kind kind = Kind::no_answer;
};

/// For a command that ends with this error.
system::ExitCode code_of(const DaemonError& error);

/// The connections whose daemons run, in order of their names; those of others too.
std::vector<std::string> running_connections();

/// Asks for a report.
Result<Report, DaemonError> ask_for_report(std::string_view name);

/// Everything goes past the tunnel for so long; zero ends that.
Result<void, DaemonError> pause_connection(std::string_view name, std::chrono::seconds time);

/// Tells the daemon to end, and waits until everything is put back and the process is gone: so long, and as long as hooks run.
Result<void, DaemonError> end_connection(std::string_view name, Duration limit);

} // namespace vpn::client
