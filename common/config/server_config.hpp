// A server's file (EXPERIENCE, "Files that peers exchange"): JSON text <-> ServerConfig.
// Refuses to know: where the file lies, who may read it, and what is done with it.
#pragma once

#include "common/base/ip.hpp"
#include "common/config/error.hpp"
#include "common/config/host_port.hpp"
#include "common/config/keys.hpp"
#include "common/config/metrics_address.hpp"
#include "common/config/peer_limits.hpp"
#include "common/crypto/keys.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::config {

/// The server's key before the last change: it answers too, until its time is over.
struct OldKey {
    crypto::PrivateKey private_key;
    /// As ServerInterface's.
    std::string private_key_file;
    Wall expires;
};

struct ServerInterface {
    std::string name = "vpns";
    crypto::PrivateKey private_key;
    /// Where the key stands, if not in the file itself: an absolute path, written back as `"file:/path"`. Empty: in place.
    std::string private_key_file;
    std::optional<OldKey> old_key;
    Port listen_port{51820};
    /// With host bits.
    std::vector<Prefix> addresses;
    /// Empty: "auto".
    std::optional<std::uint16_t> mtu;
    /// See ClientInterface.
    bool offloads = true;

    /// Compares secrets in constant time.
    friend bool operator==(const ServerInterface& a, const ServerInterface& b);
};

struct ServerPeer {
    std::string name;
    crypto::PublicKey public_key;
    std::string public_key_file;
    /// All zeros: none.
    crypto::PresharedKey preshared_key;
    std::string preshared_key_file;
    Suite suite = Suite::wireguard;
    /// Single hosts in the server's networks.
    std::vector<Prefix> addresses;
    /// Networks behind the peer, without host bits.
    std::vector<Prefix> allowed_ips;
    PeerLimits limits;
    bool disabled = false;

    /// Compares secrets in constant time.
    friend bool operator==(const ServerPeer& a, const ServerPeer& b);
};

/// Who hides the peers behind the server's own address.
struct Nat {
    enum class Mode : std::uint8_t { automatic, interface, off };
    Mode mode = Mode::automatic;
    /// Only with Mode::interface.
    std::string interface;
    friend bool operator==(const Nat&, const Nat&) = default;
};

/// Something on the server itself that peers may reach: `53/udp`, `22/tcp`, or `*` for everything.
struct HostService {
    enum class Protocol : std::uint8_t { any, tcp, udp };
    Protocol protocol = Protocol::any;
    /// Zero with Protocol::any.
    Port port;

    static std::optional<HostService> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const HostService&, const HostService&) = default;
};

/// Many times what a person's devices have, and a sixteenth of what a small machine's kernel keeps track of.
inline constexpr std::uint32_t default_max_connections = 4096;

struct ServerConfig {
    ServerInterface interface;
    /// How clients reach this server; needed to add peers, not to run.
    std::optional<HostPort> endpoint;
    /// Where peers' addresses come from; without host bits.
    std::vector<Prefix> networks;
    /// What peers are told to use.
    std::vector<IpAddress> dns;
    Nat nat;
    bool isolate_peers = true;
    std::vector<HostService> host_services;
    /// How many connections each address of a peer's may have at a time; zero: any number.
    std::uint32_t max_connections = default_max_connections;
    /// Other firewalls on the machine are given the exceptions that peers need.
    bool firewall_exceptions = true;
    /// Where metrics are told; none: nowhere.
    std::optional<MetricsAddress> metrics;
    std::vector<ServerPeer> peers;

    /// Null if there is none of that name. Linear.
    [[nodiscard]] const ServerPeer* find_peer(std::string_view name) const;
    [[nodiscard]] ServerPeer* find_peer(std::string_view name);
    [[nodiscard]] ServerConfig clone() const;
    friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

/// The public keys that the server answers to: its own, and its old one.
std::vector<crypto::PublicKey> own_public_keys(const ServerInterface& interface);

/// Strict: unknown keys, wrong types, values out of range and what `check` finds are refused, with the line. `file` only names
/// the text in errors. Without `read_key`, keys that stand elsewhere are refused.
Parsed<ServerConfig> decode_server(std::string_view text, std::string_view file, const KeyReader& read_key = {});

/// Pretty JSON with a newline at the end, which `decode_server` takes and finds equal. Holds secrets: the caller wipes it.
std::string encode(const ServerConfig& config);

/// How a file ends otherwise than one without its last peer: of that, so many bytes less, and this text behind the rest.
struct Ending {
    ByteCount dropped;
    std::string text;
};
/// Holds secrets: the caller wipes it. Requires: two peers or more.
Ending encode_last_peer(const ServerConfig& config);

/// The first rule that the configuration as a whole breaks: an address outside the networks or at two peers, a name twice, ...
std::optional<Problem> check(const ServerConfig& config);

} // namespace vpn::config
