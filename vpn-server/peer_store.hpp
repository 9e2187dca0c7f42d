// The list of peers as commands change it: by asking the daemon, the only writer of its file while it runs, or else in the file,
// with others locked out.
// Refuses to know: the command line, and what a new peer is handed.
#pragma once

#include "vpn-server/config_file.hpp"
#include "vpn-server/peer_plan.hpp"

#include "common/config/json.hpp"

#include <functional>
#include <string>

namespace vpn::server {

class PeerStore {
  public:
    explicit PeerStore(std::string config_file) : file_(std::move(config_file)) {}

    /// The name that the peer got. Its addresses and preshared key stand in the file now.
    CommandResult<std::string> add(const PeerRequest& request);
    CommandResult<void> remove(const std::string& name);
    /// Forgets the greatest timestamp that was accepted from the peer.
    CommandResult<void> reset(const std::string& name);

    /// A document of status_report, and whether a daemon gave it.
    struct Listing {
        config::Json document;
        bool running = false;
    };
    CommandResult<Listing> list();

  private:
    /// Changes the configuration, or says why not.
    using Edit = std::function<Result<void>(config::ServerConfig& config)>;
    CommandResult<void> edit_file(const Edit& edit);

    ConfigFile file_;
};

} // namespace vpn::server
