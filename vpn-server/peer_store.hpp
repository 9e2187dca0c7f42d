// The list of peers as commands change it: by asking the daemon, the only writer of its file while it runs, or else in the file,
// with others locked out.
// Refuses to know: the command line, and what a new peer is handed.
#pragma once

#include "vpn-server/config_file.hpp"
#include "vpn-server/handover.hpp"
#include "vpn-server/request.hpp"

#include "common/config/json.hpp"

#include <functional>
#include <string>

namespace vpn::server {

class PeerStore {
  public:
    explicit PeerStore(std::string config_file) : file_(std::move(config_file)) {}

    /// Errors: bad_configuration, without an endpoint.
    CommandResult<Handover> add(const PeerRequest& request);
    CommandResult<Handover> rekey(const AskRekeyPeer& ask);
    /// Each as peer_edit does it.
    CommandResult<void> change(const AskRemovePeer& ask) { return change_with(ask); }
    CommandResult<void> change(const AskEnablePeer& ask) { return change_with(ask); }
    CommandResult<void> change(const AskRenamePeer& ask) { return change_with(ask); }
    CommandResult<void> change(const AskLimitPeer& ask) { return change_with(ask); }
    /// Forgets the greatest timestamp that was accepted from the peer, or what it used of its quota.
    CommandResult<void> reset(const AskResetPeer& ask);

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
    template <class Ask> CommandResult<void> change_with(const Ask& ask);
    /// The file as it is, if peers can be handed anything by it.
    CommandResult<ConfigFile::Content> load_with_endpoint();

    ConfigFile file_;
};

} // namespace vpn::server
