// How a connection is doing, as its daemon tells it: a value, and the JSON that `status --json` prints and the control socket
// carries (documented in vpn-client(1)). Pure.
#pragma once

#include "common/base/strong.hpp"
#include "common/base/time.hpp"
#include "common/config/json.hpp"
#include "vpn-client/rate_meter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

enum class State : std::uint8_t {
    connecting, ///< `connect` is still waiting
    connected,  ///< a session stands, or none is needed until somebody sends something
    broken,     ///< the server does not answer
    ending,     ///< everything is being put back
};

struct PeerReport {
    std::string name; ///< may be empty
    std::string public_key;
    std::string suite;
    bool suite_is_slow = false; ///< on this machine
    bool has_preshared_key = false;
    std::string endpoint; ///< empty: not known yet
    std::vector<std::string> allowed_ips;
    std::int64_t persistent_keepalive = 0; ///< seconds
    std::optional<Duration> handshake_age;
    bool has_session = false;
    ByteCount received;
    ByteCount sent;
    friend bool operator==(const PeerReport&, const PeerReport&) = default;
};

struct DropReport {
    std::string reason;
    std::uint64_t count = 0;
    friend bool operator==(const DropReport&, const DropReport&) = default;
};

enum class LockState : std::uint8_t {
    off,    ///< the file wants none
    shut,   ///< what belongs in the tunnel leaves by no other way
    paused, ///< open for a while
    lost,   ///< somebody has removed or changed its table, and it can't be put up again
};

/// Who is asked for names while the connection is up.
struct DnsReport {
    std::vector<std::string> servers;
    std::vector<std::string> search;
    std::vector<std::string> routed;
    bool every_name = false; ///< else those in the domains alone, where the back end can tell them apart
    std::string back_end;    ///< who was told; empty: nobody, for there are no servers
    bool applied = false;
    friend bool operator==(const DnsReport&, const DnsReport&) = default;
};

struct Report {
    std::string name;
    std::string file;
    std::string interface;
    std::int64_t process = 0;
    State state = State::connecting;
    /// A token of EXPERIENCE's, or empty, and half a sentence to go with the state.
    std::string reason;
    std::string because;
    /// Where a captive portal leads that keeps the server out of reach; empty if it names nobody; none: none is known of.
    std::optional<std::string> portal;
    std::string hook;   ///< `PostUp at line 4`, while it runs; else empty
    Duration uptime{0}; ///< since `connect`
    std::vector<std::string> addresses;
    std::int64_t mtu = 0;
    std::optional<std::int64_t> path_mtu; ///< as probing found it
    std::int64_t listen_port = 0;
    std::vector<std::string> routes;
    std::vector<std::string> excluded;      ///< prefixes that allowed_ips takes out by `!`
    bool apart = false;                     ///< in a network namespace of its own, for one program
    bool full_tunnel = false;               ///< but for what is excluded
    std::vector<std::string> full_families; ///< "ipv4", "ipv6"
    DnsReport dns;
    LockState lock = LockState::off;
    std::optional<Duration> pause_left; ///< also without a lock
    Rate rate;                          ///< of all peers; the present one may be some seconds old
    Rate peak_rate;                     ///< since `connect`
    std::optional<Duration> round_trip; ///< to whoever is asked inside
    std::optional<std::int64_t> loss;   ///< percent of questions inside
    bool measuring = false;             ///< he is being asked: look again in a moment
    std::vector<PeerReport> peers;
    std::vector<DropReport> drops; ///< those that are not zero
    friend bool operator==(const Report&, const Report&) = default;
};

std::string_view name_of(State state);
std::string_view name_of(LockState state);

config::Json to_json(const Report& report);
/// None if it is not what to_json makes.
std::optional<Report> report_from(const config::Json& json);

} // namespace vpn::client
