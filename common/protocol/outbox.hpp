// What the device wants done. It decides; whoever holds sockets, sessions and screens acts, in this order.
// Refuses to know: how any of it is done.
#pragma once

#include "common/base/path.hpp"
#include "common/protocol/activity.hpp"
#include "common/protocol/keyring.hpp"

#include <memory>
#include <variant>
#include <vector>

namespace vpn::protocol {

/// Send a handshake message.
struct SendDatagram {
    ByteVector bytes;
    Path path;
};
/// A peer came to be; its data path shares `activity` with its timers.
struct AddPeer {
    PeerId peer;
    std::shared_ptr<Activity> activity;
};
struct RemovePeer {
    PeerId peer;
};
/// Packets may come in on this session from now on.
struct InstallSession {
    SessionPtr session;
};
/// Packets of this peer go out on this session from now on; on none if it is null. What is staged goes first; `confirm` says that
/// something must go out even if nothing is staged: a keepalive.
struct UseSession {
    PeerId peer;
    SessionPtr session;
    bool confirm = false;
};
struct RetireSession {
    SessionPtr session;
};
/// Send an empty packet, so that the other side knows that we live.
struct SendKeepalive {
    PeerId peer;
};
/// Nobody answers: what waits for a session will not be sent.
struct DropStaged {
    PeerId peer;
};
/// The peer is reached this way from now on.
struct SetPath {
    PeerId peer;
    Path path;
};
using Action = std::variant<SendDatagram, AddPeer, RemovePeer, InstallSession, UseSession, RetireSession, SendKeepalive,
                            DropStaged, SetPath>;

enum class EventKind : std::uint8_t {
    initiation_sent,
    handshake_complete,
    response_rejected, ///< an answer to our initiation that does not decrypt: a wrong preshared key, or a forgery
    cookie_received,   ///< the other side is busy
    gave_up,
    endpoint_moved,
    wrong_suite,    ///< the other side has another suite in its configuration than we have for it
    suite_declined, ///< a question in the other suite came through, and the other side has the suite that we have
    spent,          ///< its quota was used up just now: it is barred
    refused,        ///< a barred peer would like to talk: an authentic initiation that is not answered
    clock_behind,   ///< a valid initiation with a timestamp older than the last: replayed, or a clock went back
};

/// Something that happened to a peer and that people may want to know.
struct Event {
    PeerId peer;
    EventKind kind;
};

struct Outbox {
    std::vector<Action> actions;
    std::vector<Event> events;
    bool routes_changed = false;     ///< allowed_ips() is not what it was
    bool timestamps_changed = false; ///< timestamps() is not what it was: keep it across restarts

    void clear() { *this = Outbox{}; }
};

} // namespace vpn::protocol
