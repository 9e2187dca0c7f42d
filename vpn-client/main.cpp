// vpn-client: the laptop's end of the tunnel, at the prompt.
#include "common/system/process.hpp"
#include "vpn-client/cli.hpp"

#include <exception>
#include <iostream>

namespace {

using namespace vpn::client;
using vpn::system::ExitCode;
using vpn::system::LogLevel;

struct CarryOut {
    LogLevel log_level;
    ExitCode operator()(const ConnectCommand& command) const { return connect(command, log_level); }
    ExitCode operator()(const DisconnectCommand& command) const { return disconnect(command); }
    ExitCode operator()(const StatusCommand& command) const { return status(command); }
    ExitCode operator()(const CheckCommand& command) const { return check(command); }
    ExitCode operator()(const PauseCommand& command) const { return pause(command); }
    ExitCode operator()(const LockCommand& command) const { return lock(command); }
    ExitCode operator()(const RecoverCommand& command) const { return recover(command); }
    ExitCode operator()(const ImportCommand& command) const { return import_connection(command); }
    ExitCode operator()(const ExportCommand& command) const { return export_connection(command); }
    ExitCode operator()(const DoctorCommand& command) const { return doctor(command); }
    ExitCode operator()(const InterfaceCommand& command) const { return make_interface(command, log_level); }
    ExitCode operator()(const CardCommand& command) const { return card(command); }
    ExitCode operator()(const RunCommand& command) const { return run_program(command, log_level); }
};

ExitCode run(int argc, const char* const* argv) {
    const auto line = parse_command_line(argc, argv);
    if (!line) return line.error();
    return std::visit(CarryOut{line->log_level}, line->command);
}

} // namespace

int main(int argc, char** argv) {
    vpn::system::open_missing_streams();
    try {
        return vpn::system::to_int(run(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << "vpn-client: " << error.what() << '\n';
        return vpn::system::to_int(ExitCode::failure);
    }
}
