// vpn-server: a daemon on a VPS, and the commands that look after it.
#include "common/system/process.hpp"
#include "vpn-server/cli.hpp"
#include "vpn-server/commands.hpp"

#include <exception>
#include <iostream>
#include <string_view>
#include <variant>

namespace {

using namespace vpn;
using system::ExitCode;

void complain(std::string_view message) { std::cerr << "vpn-server: " << message << '\n'; }

ExitCode run(int argc, const char* const* argv) {
    (void)system::protect_memory(); // every command may hold a key; what it can't do, `run` says

    const auto line = server::parse_command_line(argc, argv);
    if (!line) return line.error();
    const auto done = std::visit([&](const auto& command) { return server::carry_out(command, line->common); }, line->command);
    if (!done) {
        complain(done.error().message);
        return done.error().code;
    }
    if (std::cout.flush()) return ExitCode::ok;
    complain("cannot write to stdout");
    return ExitCode::failure;
}

} // namespace

int main(int argc, char** argv) {
    system::open_missing_streams();
    try {
        return system::to_int(run(argc, argv));
    } catch (const std::exception& error) {
        complain(error.what());
        return system::to_int(ExitCode::failure);
    }
}
