// A client's file (EXPERIENCE, "Files that peers exchange"): JSON text <-> ClientConfig.
// Refuses to know: where the file lies, who may read it, and what is done with it.
#pragma once

#include "common/base/ip.hpp"
#include "common/config/allowed_ip.hpp"
#include "common/config/error.hpp"
#include "common/config/host_port.hpp"
#include "common/config/http_url.hpp"
#include "common/config/keys.hpp"
#include "common/crypto/keys.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::config {

struct ClientInterface {
    /// Empty: the stem of the file's name.
    std::string name;
    crypto::PrivateKey private_key;
    /// Where the key stands, if not in the file itself: an absolute path, written back as `"file:/path"`. Empty: in place.
    std::string private_key_file;
    /// Of a server's answer to a card, in place of the private key that only the client has.
    std::optional<crypto::PublicKey> public_key;
    /// Empty: any port.
    std::optional<Port> listen_port;
    /// With host bits.
    std::vector<Prefix> addresses;
    /// Name servers. In the file, domains stand in the same list, as in wg-quick's.
    std::vector<IpAddress> dns;
    /// Domains for which the name servers are asked and which are searched; with a `~` in front, only asked for. `~.` is every
    /// name.
    std::vector<std::string> dns_domains;
    /// Empty: found by the client ("auto").
    std::optional<std::uint16_t> mtu;
    /// Whether many packets pass between kernel and tunnel as one. False: one by one, for kernels and links that get it wrong.
    bool offloads = true;
    /// Whether allowed_ips are routed into the tunnel. False: somebody else sees to the routes.
    bool routes = true;
    /// Whether what belongs in the tunnel may leave by no other way, the tunnel up or not.
    bool lock = false;
    /// Which the lock leaves open. Without host bits.
    std::vector<Prefix> local_networks;
    /// What to ping to know that the tunnel works.
    std::optional<IpAddress> probe;
    /// Whom to ask, outside of the tunnel, whether a captive portal keeps us out: he answers 204. None: nobody is asked.
    std::optional<HttpUrl> portal_check = well_known_portal_check();

    /// Compares secrets in constant time.
    friend bool operator==(const ClientInterface& a, const ClientInterface& b);
};

struct ClientPeer {
    /// May be empty.
    std::string name;
    crypto::PublicKey public_key;
    std::string public_key_file;
    /// All zeros: none.
    crypto::PresharedKey preshared_key;
    std::string preshared_key_file;
    std::optional<HostPort> endpoint;
    /// Tried in this order while the one before is silent. Only behind an `endpoint`; in the file, all stand in one list.
    std::vector<HostPort> more_endpoints;
    /// What goes to this peer, without host bits: what remains, where the file excludes something.
    std::vector<Prefix> allowed_ips;
    /// As the file has them, where it excludes something; else empty.
    std::vector<AllowedIp> written_ips;
    /// Zero: none.
    std::chrono::seconds persistent_keepalive{0};
    Suite suite = Suite::wireguard;

    /// Compares secrets in constant time.
    friend bool operator==(const ClientPeer& a, const ClientPeer& b);
};

struct ClientConfig {
    ClientInterface interface;
    std::vector<ClientPeer> peers;

    [[nodiscard]] ClientConfig clone() const;
    friend bool operator==(const ClientConfig&, const ClientConfig&) = default;
};

/// Strict: unknown keys, wrong types, values out of range and what `check` finds are refused, with the line. `file` only names
/// the text in errors. Without `read_key`, keys that stand elsewhere are refused.
Parsed<ClientConfig> decode_client(std::string_view text, std::string_view file, const KeyReader& read_key = {});

/// The same; and a server's answer to a card is taken, too, which names a public key in place of the private one.
Parsed<ClientConfig> decode_client_or_answer(std::string_view text, std::string_view file, const KeyReader& read_key = {});

/// Pretty JSON with a newline at the end, which `decode_client` takes and finds equal. Holds secrets: the caller wipes it.
std::string encode(const ClientConfig& config);

/// The first rule that the configuration as a whole breaks: a prefix at two peers, a key twice, no endpoint at all, ...
std::optional<Problem> check(const ClientConfig& config);

} // namespace vpn::config
