// What a set of `wg` or its like (PROTOCOL 4) makes of a server's configuration: names, suites and limits stay, new peers get a
// name, and the rules of the file hold. Pure. Refuses to know: sockets, files, and how a change is carried out.
#pragma once

#include "common/config/server_config.hpp"
#include "common/config/uapi_request.hpp"
#include "common/protocol/device.hpp"

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace vpn::server {

struct UapiPlan {
    config::ServerConfig wanted;
    /// What the file has no word for, endpoints and keepalives: it lasts as long as the server runs.
    std::vector<protocol::PeerChange> passing;
    std::optional<Mark> mark;
};

/// Why nothing comes of it: what `wg` is told, and a sentence for the log.
struct UapiRefused {
    int error = 0;
    std::string why;
};

/// Prefixes that are single hosts within "networks" become a peer's addresses, all others networks behind it. A disabled peer
/// stays so, and `replace_peers` leaves it and those in `unserved` alone: `wg` does not see them.
/// Errors: EINVAL if the file may not say so.
tl::expected<UapiPlan, UapiRefused> plan_uapi_set(const config::ServerConfig& running, config::UapiSet set,
                                                  const std::unordered_set<crypto::PublicKey>& unserved = {});

} // namespace vpn::server
