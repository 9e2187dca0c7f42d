#include "vpn-client/export.hpp"

#include "common/base/secret.hpp"
#include "common/config/wg_quick.hpp"
#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/new_file.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

std::string called(const config::ClientPeer& peer) {
    return peer.name.empty() ? peer.public_key.to_string() : config::quote(peer.name);
}

/// Nobody else speaks hybrid: the file would be taken, and never connect.
Granted<void> check_suites(const config::ClientConfig& config) {
    for (const config::ClientPeer& peer : config.peers)
        if (peer.suite != config::Suite::wireguard)
            return refuse(ExitCode::failure, "peer " + called(peer) +
                                                 " speaks suite hybrid, which only vpn-client does: have the server make a file "
                                                 "by `vpn-server peer add --format wg`");
    return {};
}

std::vector<std::string> notes_on_losses(const ConnectionFile& file) {
    const config::ClientInterface& interface = file.config.interface;
    std::vector<std::string> notes;
    const auto lost = [&notes](const std::string& key) {
        notes.push_back("note: " + key + " has no word there and is left out");
    };
    if (interface.name != file.origin.name) lost("interface.name (the file's name is the interface's)");
    if (interface.probe) lost("interface.probe");
    if (interface.portal_check != config::well_known_portal_check()) lost("interface.portal_check");
    if (!all_excluded_ips(file.config).empty())
        notes.emplace_back("note: exclusions are written out as the prefixes that remain");
    for (const config::ClientPeer& peer : file.config.peers)
        if (!peer.more_endpoints.empty())
            notes.push_back("note: of the endpoints of peer " + called(peer) +
                            " only the first has a place there: " + peer.endpoint->to_string());
    if (interface.lock) lost("interface.lock");
    if (!interface.offloads) lost("interface.offloads");
    return notes;
}

Granted<void> hand_out(const ExportCommand& command, const config::ClientConfig& config) {
    std::string text = config::format_wg_quick(config);
    Granted<void> done;
    if (!command.output.empty()) done = write_new(command.output, text);
    if (command.output.empty() && !(std::cout << text << std::flush)) done = refuse(ExitCode::failure, "cannot write to stdout");
    wipe(std::as_writable_bytes(std::span(text)));
    return done;
}

Granted<void> carry_out(const ExportCommand& command) {
    const auto name = parse_connection_name(command.target);
    if (!name) return tl::unexpected(name.error());
    const auto file = load_connection(*name);
    if (!file) return tl::unexpected(file.error());
    if (auto suites = check_suites(file->config); !suites) return suites;
    say_notes(notes_on_hooks(file->hooks, hooks_after_export));
    say_notes(notes_on_losses(*file));
    return hand_out(command, file->config);
}

} // namespace

ExitCode export_connection(const ExportCommand& command) {
    static_cast<void>(system::protect_memory());
    const auto done = carry_out(command);
    return done ? ExitCode::ok : complain(done.error());
}

} // namespace vpn::client
