// What commands ask the daemon over its control socket, and what it answers: one line of JSON each.
// Refuses to know: sockets. Private keys are never said here, and a preshared key once, to whoever had it made.
#pragma once

#include "vpn-server/command_error.hpp"
#include "vpn-server/peer_plan.hpp"

#include "common/config/json.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

namespace vpn::server {

/// Whose daemon are you? Answered by `{"config": PATH}`.
struct AskConfigFile {
    friend bool operator==(const AskConfigFile&, const AskConfigFile&) = default;
};
/// Answered by the document of status_report.
struct AskStatus {
    friend bool operator==(const AskStatus&, const AskStatus&) = default;
};
struct AskReload {
    friend bool operator==(const AskReload&, const AskReload&) = default;
};
/// The server's own key becomes another; the one before answers too for `grace`. Answered by a document of keys_json.
struct AskRekey {
    std::chrono::seconds grace{0};
    friend bool operator==(const AskRekey&, const AskRekey&) = default;
};
/// Answered likewise.
struct AskEndOldKey {
    friend bool operator==(const AskEndOldKey&, const AskEndOldKey&) = default;
};
/// Answered by a handover.
struct AskAddPeer {
    PeerRequest peer;
    friend bool operator==(const AskAddPeer&, const AskAddPeer&) = default;
};
struct AskRemovePeer {
    std::string name;
    friend bool operator==(const AskRemovePeer&, const AskRemovePeer&) = default;
};
/// Its session ends at once, or it may come again.
struct AskEnablePeer {
    std::string name;
    bool enabled = true;
    friend bool operator==(const AskEnablePeer&, const AskEnablePeer&) = default;
};
struct AskRenamePeer {
    std::string name;
    std::string new_name;
    friend bool operator==(const AskRenamePeer&, const AskRenamePeer&) = default;
};
/// Answered by a handover.
struct AskRekeyPeer {
    std::string name;
    crypto::PublicKey public_key;
    bool with_preshared_key = true;
    friend bool operator==(const AskRekeyPeer&, const AskRekeyPeer&) = default;
};
/// Those that are set become what `limits` says, which may be none.
struct AskLimitPeer {
    std::string name;
    config::PeerLimits limits;
    bool set_expires = false;
    bool set_quota = false;
    bool set_rate = false;
    friend bool operator==(const AskLimitPeer&, const AskLimitPeer&) = default;
};
/// Forget the greatest timestamp that was accepted from the peer, or what it used of its quota.
struct AskResetPeer {
    std::string name;
    bool quota = false;
    friend bool operator==(const AskResetPeer&, const AskResetPeer&) = default;
};

using Request = std::variant<AskConfigFile, AskStatus, AskReload, AskRekey, AskEndOldKey, AskAddPeer, AskRemovePeer, AskResetPeer,
                             AskEnablePeer, AskRenamePeer, AskRekeyPeer, AskLimitPeer>;

/// What the daemon could tell, or why not and how the command must end.
using Answer = CommandResult<config::Json>;

/// Without the line's end.
std::string encode(const Request& request);
Result<Request> decode_request(std::string_view line);

std::string encode(const Answer& answer);
/// A line that is no answer is a failure like any other.
Answer decode_answer(std::string_view line);

} // namespace vpn::server
