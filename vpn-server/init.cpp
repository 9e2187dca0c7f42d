// `init`: a server's file, the service that runs by it, and what to do next.
#include "common/crypto/system_random.hpp"
#include "common/crypto/x25519.hpp"
#include "vpn-server/commands.hpp"
#include "vpn-server/config_file.hpp"
#include "vpn-server/service_unit.hpp"

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>

namespace vpn::server {
namespace {

namespace fs = std::filesystem;

/// Those that are missing, for nobody else to look into.
CommandResult<void> make_directories_above(const std::string& path) {
    const fs::path directory = fs::path(path).parent_path();
    std::error_code error;
    if (directory.empty() || fs::exists(directory, error)) return {};
    if (auto above = make_directories_above(directory.string()); !above) return above;
    if (auto made = system::ensure_directory(directory.string(), 0700); !made) return refused_file(made.error());
    return {};
}

/// Who is to start the server, once its file is there.
enum class Starter : std::uint8_t {
    nobody,  ///< its owner, from a prompt: there is no unit, or not for this file
    owner,   ///< its owner, by systemctl
    systemd, ///< systemd, which we ask
};

Starter starter(const Init& init, const CommonOptions& common) {
    if (common.config_file != default_config_file || !unit_is_installed()) return Starter::nobody;
    return init.enable && systemd_runs() ? Starter::systemd : Starter::owner;
}

std::string how_to_start(Starter who, const std::string& option) {
    switch (who) {
    case Starter::nobody: return "\n  vpn-server run" + option;
    case Starter::owner: return "\n  " + std::string(enable_command) + "    (without systemd: vpn-server run)";
    case Starter::systemd: break;
    }
    return {};
}

void print_next_steps(const config::ServerConfig& config, const CommonOptions& common, Starter who) {
    const std::string option = common.config_file == default_config_file ? "" : " --config " + common.config_file;
    std::cout << crypto::public_key_of(config.interface.private_key).to_string() << '\n';
    say("wrote " + common.config_file + "; the line above is this server's public key\nnext:\n  open UDP port " +
        std::to_string(config.interface.listen_port.value) + " in the firewall of this machine and of its provider" +
        how_to_start(who, option) + "\n  vpn-server peer add laptop --output laptop.json" + option);
}

} // namespace

CommandResult<void> carry_out(const Init& init, const CommonOptions& common) {
    const ConfigFile file(common.config_file);
    std::error_code error;
    if (!init.force && fs::exists(fs::symlink_status(file.path(), error)))
        return refused(ExitCode::failure, file.path() + " is there already, and holds a key: --force replaces it");
    crypto::SystemRandom random;
    const auto config = new_server(init.server, random);
    if (!config) return refused(ExitCode::usage, config.error().message);
    if (auto made = make_directories_above(file.path()); !made) return made;
    if (auto saved = file.save(*config); !saved) return tl::unexpected(std::move(saved.error()));
    const Starter who = starter(init, common);
    print_next_steps(*config, common, who);
    if (who != Starter::systemd) return {};
    if (auto enabled = enable_unit(); !enabled) return refused(enabled.error());
    say("the server runs, and will after each start of this machine: " + std::string(unit_name));
    return {};
}

} // namespace vpn::server
