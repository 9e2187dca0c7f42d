// The server's state as `status --json` prints it: a versioned document that programs may read (vpn-server(8), STATUS IN JSON).
// Refuses to know: where the numbers come from. It never holds a secret.
#pragma once

#include "common/base/time.hpp"
#include "common/config/json.hpp"
#include "common/config/server_config.hpp"
#include "common/protocol/drop.hpp"
#include "vpn-server/exception_plan.hpp"
#include "vpn-server/usage_store.hpp"
#include "vpn-server/whereabouts_store.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vpn::server {

/// A peer with a handshake younger than this is online: a session lives no longer (PROTOCOL 3).
inline constexpr std::chrono::seconds online_for{180};

/// What a daemon knows of a peer beyond the file.
struct PeerActivity {
    std::optional<Endpoint> endpoint;
    std::optional<Now> last_handshake;
    ByteCount received;
    ByteCount sent;
    std::uint64_t handshakes = 0;
    protocol::DropCounts drops = {};
    std::optional<protocol::Drop> barred = std::nullopt;
    /// Which of the server's keys it used last, across restarts too.
    std::optional<crypto::PublicKey> own_key = std::nullopt;
    /// Of its quota, across restarts.
    ByteCount used = {};
    /// When it came, if it did.
    std::optional<Now> online_since = std::nullopt;
    /// Packets that would have begun a connection too many.
    std::uint64_t over_connections = 0;
};

struct PeerReport {
    const config::ServerPeer* peer = nullptr;
    PeerActivity activity;
};

/// What is told of the server's old key while it answers too.
struct OldKeyReport {
    crypto::PublicKey public_key;
    Wall expires;
};

struct StatusReport {
    std::string config_file;
    std::string interface;
    crypto::PublicKey public_key;
    std::optional<OldKeyReport> old_key = std::nullopt;
    Port port;
    std::uint16_t mtu = 0;
    Now started;
    std::vector<PeerReport> peers;
    protocol::DropCounts drops = {};
    OtherFirewalls firewalls = {};
    std::uint64_t over_connections = 0;
};

/// The reason that `over_connections` is counted under, beside those of the protocol's.
inline constexpr std::string_view over_connections_name = "over-connections";

bool is_online(const PeerActivity& activity, Now now);

/// `{"version": 1, "peers": [...]}` and the daemon's own facts. Online peers come first.
config::Json status_json(const StatusReport& report, Now now);

/// Peers, the server's keys, and which of them each peer used, of files alone, when no daemon knows more.
config::Json peers_json(const config::ServerConfig& config, const Usage& usage, const std::vector<Whereabouts>& seen, Now now);

/// None unless two keys answer at `now`.
std::optional<OldKeyReport> old_key_report(const config::ServerInterface& interface, Wall now);

/// `{"public_key": ..., "old_key": {...} or null}`, what a change of key answers.
config::Json keys_json(const config::ServerInterface& interface, Wall now);

/// The keys of one of the documents above, and who still uses the old one, as `key --json` prints it.
config::Json keys_document(const config::Json& status);

} // namespace vpn::server
