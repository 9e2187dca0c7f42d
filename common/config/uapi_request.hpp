// What `wg` and its like ask of an interface, as text in lines -> values (the cross-platform userspace configuration protocol;
// PROTOCOL 4). A request is taken whole before anybody acts on it: one bad line, and nothing of it counts.
// Refuses to know: sockets, and what becomes of a request.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"
#include "common/crypto/keys.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vpn::config {

struct UapiAllowedIp {
    Prefix prefix;
    bool remove = false;
};

/// What a set says of one peer. What it does not say stays.
struct UapiPeer {
    crypto::PublicKey public_key;
    bool remove = false;
    bool update_only = false;
    bool replace_allowed_ips = false;
    std::vector<UapiAllowedIp> allowed_ips; ///< in this order
    std::optional<crypto::PresharedKey> preshared_key;
    std::optional<Endpoint> endpoint;
    std::optional<std::chrono::seconds> persistent_keepalive;
};

struct UapiGet {};
struct UapiSet {
    std::optional<crypto::PrivateKey> private_key; ///< all zeros: none from now on
    std::optional<Port> listen_port;
    std::optional<Mark> mark;
    bool replace_peers = false;
    std::vector<UapiPeer> peers; ///< in this order; one may come twice
};
/// A request that is none. `error` is an errno; `why` is for a log: where, and which key, never its value.
struct UapiRefusal {
    bool of_get = false;
    int error = 0;
    std::string why;
};
using UapiRequest = std::variant<UapiGet, UapiSet, UapiRefusal>;

class UapiParser {
  public:
    /// No line that means anything is longer.
    static constexpr std::size_t longest_line = 1024;
    /// The index of the interface that a link-local endpoint names; nullopt if there is none.
    using ScopeReader = std::function<std::optional<std::uint32_t>(const std::string& name)>;

    explicit UapiParser(ScopeReader scopes) : scopes_(std::move(scopes)) {}

    /// Takes one line, without its end. The request that it was the last of: an empty line is.
    std::optional<UapiRequest> handle_line(std::string_view line);
    /// What is under way, or comes next, is refused at its end with this errno, and forgotten now.
    void refuse(int error) noexcept;

  private:
    struct Mistake {
        int error;
    };
    using Taken = std::optional<Mistake>;

    std::optional<UapiRequest> finish();
    Taken handle_first(std::string_view line);
    Taken handle_key(std::string_view key, std::string_view value);
    Taken handle_device_key(std::string_view key, std::string_view value);
    Taken handle_peer_key(UapiPeer& peer, std::string_view key, std::string_view value);
    Taken start_peer(std::string_view value);
    Taken take_endpoint(UapiPeer& peer, std::string_view value);

    ScopeReader scopes_;
    std::optional<UapiRequest> request_; ///< while one is under way
    int lines_ = 0;                      ///< of it
};

} // namespace vpn::config
