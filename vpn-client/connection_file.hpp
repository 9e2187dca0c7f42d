// A connection's configuration, read and checked: JSON, or wg-quick's text by its ending `.conf`.
// Holds keys: load it after daemonise() and protect_memory().
#pragma once

#include "common/config/client_config.hpp"
#include "common/config/wg_quick.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/refusal.hpp"

#include <string>
#include <vector>

namespace vpn::client {

struct ConnectionFile {
    ConnectionName origin;
    /// With its interface's name filled in.
    config::ClientConfig config;
    /// What the file asks for and this version does not do, a line each, for stderr: never ignored in silence.
    std::vector<std::string> notes;
    /// PreUp, PostUp, PreDown and PostDown of a wg-quick file. Nobody runs them unless its owner allowed it.
    std::vector<config::WgQuickLine> hooks;
};

/// Whose the file has to be.
enum class FileTrust : std::uint8_t {
    ours,  ///< its owner's who calls us: enough for keys
    roots, ///< root's alone: for commands that root runs
};

/// Errors: no_permission if we may not read it; bad_configuration for all else, with file and line where there is one.
Granted<ConnectionFile> load_connection(const ConnectionName& name, FileTrust trust = FileTrust::ours);

/// The same without reading: `text` stood in the file.
Granted<ConnectionFile> decode_connection(const ConnectionName& name, std::string_view text,
                                          const config::KeyReader& read_key = {});

/// Who can be asked whether he hears us, to know that the tunnel works.
struct ProbeTargets {
    /// For an ICMP echo.
    std::vector<IpAddress> echo;
    /// For a question to a name server.
    std::vector<IpAddress> dns;
    /// One of each kind has to answer; else any one.
    bool both = false;
    [[nodiscard]] bool none() const { return echo.empty() && dns.empty(); }
};

/// The file's `probe`; without one, those of its `dns` that some peer takes. Through a full tunnel one of these has to answer in
/// any case: a server that answers itself and forwards nothing is no way to the internet.
ProbeTargets probe_targets(const config::ClientConfig& config);

/// The peer that has to answer: the one that takes the probe, else the first that has an endpoint.
/// Requires: a checked configuration.
const config::ClientPeer& main_peer(const config::ClientConfig& config);

} // namespace vpn::client
