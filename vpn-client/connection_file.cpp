#include "vpn-client/connection_file.hpp"

#include "common/base/secret.hpp"
#include "common/config/card.hpp"
#include "common/config/wg_quick.hpp"
#include "common/system/files.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

using system::ExitCode;

Result<std::string> read_key_file(const std::string& path) {
    auto text = system::read_private_file(path);
    if (!text) return failed(text.error().message);
    return std::move(*text);
}

bool takes(const config::ClientPeer& peer, const IpAddress& address) {
    return std::ranges::any_of(peer.allowed_ips, [&address](const Prefix& prefix) { return prefix.contains(address); });
}

bool anybody_takes(const config::ClientConfig& config, const IpAddress& address) {
    return std::ranges::any_of(config.peers, [&address](const config::ClientPeer& peer) { return takes(peer, address); });
}

config::Parsed<ConnectionFile> decode(const ConnectionName& name, std::string_view text, const config::KeyReader& read_key) {
    if (name.path.ends_with(".conf")) {
        auto file = config::parse_wg_quick(text, name.path);
        if (!file) return tl::unexpected(std::move(file.error()));
        std::vector<std::string> notes = notes_on_keys(*file);
        return ConnectionFile{name, std::move(file->config), std::move(notes), std::move(file->hooks)};
    }
    auto config = config::decode_client(text, name.path, read_key);
    if (!config) return tl::unexpected(std::move(config.error()));
    return ConnectionFile{name, std::move(*config), {}, {}};
}

ExitCode code_for(system::FileError::Kind kind) {
    return kind == system::FileError::Kind::not_allowed ? ExitCode::no_permission : ExitCode::bad_configuration;
}

} // namespace

Granted<ConnectionFile> decode_connection(const ConnectionName& name, std::string_view text, const config::KeyReader& read_key) {
    auto file = decode(name, text, read_key);
    if (!file && config::decode_waiting_key(text, name.path))
        return refuse(ExitCode::bad_configuration,
                      config::printable(name.path, 4096) +
                          " has a key and no server yet: give the server the card that `vpn-client card " + name.name +
                          "` prints, and import its answer");
    if (!file) return refuse(ExitCode::bad_configuration, file.error().text());
    config::ClientInterface& interface = file->config.interface;
    if (interface.name.empty()) interface.name = name.name;
    if (interface.probe && !anybody_takes(file->config, *interface.probe))
        return refuse(ExitCode::bad_configuration, config::printable(name.path, 4096) + ": interface.probe " +
                                                       interface.probe->to_string() +
                                                       " is in no peer's allowed_ips, so nobody inside the tunnel could answer");
    return std::move(*file);
}

Granted<ConnectionFile> load_connection(const ConnectionName& name, FileTrust trust) {
    auto text = trust == FileTrust::roots ? system::read_root_file(name.path) : system::read_private_file(name.path);
    if (!text) return refuse(code_for(text.error().kind), text.error().message);
    auto file = decode_connection(name, *text, read_key_file);
    wipe(std::as_writable_bytes(std::span(*text)));
    return file;
}

ProbeTargets probe_targets(const config::ClientConfig& config) {
    ProbeTargets targets;
    std::ranges::copy_if(config.interface.dns, std::back_inserter(targets.dns),
                         [&config](const IpAddress& address) { return anybody_takes(config, address); });
    const bool full = is_full_tunnel(config);
    if (config.interface.probe) {
        targets.echo = {*config.interface.probe};
        if (!full) targets.dns.clear();
    } else if (!full) {
        targets.echo = targets.dns;
        return targets;
    }
    targets.both = !targets.echo.empty() && !targets.dns.empty();
    return targets;
}

const config::ClientPeer& main_peer(const config::ClientConfig& config) {
    const ProbeTargets targets = probe_targets(config);
    const auto answers = [&targets](const config::ClientPeer& peer) {
        return peer.endpoint && !targets.none() && takes(peer, targets.echo.empty() ? targets.dns.front() : targets.echo.front());
    };
    const auto found = std::ranges::find_if(config.peers, answers);
    if (found != config.peers.end()) return *found;
    return *std::ranges::find_if(config.peers, [](const config::ClientPeer& peer) { return peer.endpoint.has_value(); });
}

} // namespace vpn::client
