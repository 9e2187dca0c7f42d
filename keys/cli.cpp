#include "keys/cli.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <optional>
#include <string>

namespace vpn::keys {
namespace {

using system::ExitCode;

constexpr auto see_help = "Run `vpn-keys --help` to see how it is called.\n";

std::string mistake_text(const CLI::App*, const CLI::Error& mistake) {
    return std::string("vpn-keys: ") + mistake.what() + '\n' + see_help;
}

/// Help and versions go to stdout, and have failed if nobody could read them.
ExitCode exit_code_after(const CLI::App& app, const CLI::ParseError& end) {
    if (app.exit(end) != 0) return ExitCode::usage;
    return std::cout.flush() ? ExitCode::ok : ExitCode::failure;
}

} // namespace

tl::expected<Command, ExitCode> parse_command_line(int argc, const char* const* argv) {
    CLI::App app("Makes the keys that peers know each other by, in the same text as wg's.", "vpn-keys");
    app.set_version_flag("--version", "vpn-keys " VPN_VERSION);
    app.require_subcommand(0, 1); // with 1, an unknown command would be reported as none
    app.failure_message(mistake_text);
    app.footer("Ends with 0, or 1 if it failed, or 2 if it was called wrongly. See vpn-keys(1).");

    std::optional<Command> command;
    const auto add = [&app, &command](Command which, const std::string& name, const std::string& help) {
        CLI::App* const sub = app.add_subcommand(name, help);
        sub->set_version_flag("--version", "vpn-keys " VPN_VERSION);
        sub->callback([&command, which] { command = which; });
    };
    add(Command::genkey, "genkey", "Print a new private key.");
    add(Command::pubkey, "pubkey", "Read a private key from stdin and print its public key.");
    add(Command::genpsk, "genpsk", "Print a new preshared key.");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        return tl::unexpected(exit_code_after(app, end));
    }
    if (!command) {
        std::cerr << "vpn-keys: say which key: genkey, pubkey or genpsk\n" << see_help;
        return tl::unexpected(ExitCode::usage);
    }
    return *command;
}

} // namespace vpn::keys
