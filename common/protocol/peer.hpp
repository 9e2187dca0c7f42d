// One peer: its keys, its conversation and its timers, as the control thread sees them.
// Refuses to know: other peers, queues, load. The device routes messages here once it knows whose they are.
#pragma once

#include "common/protocol/cookie.hpp"
#include "common/protocol/handshake.hpp"
#include "common/protocol/index_table.hpp"
#include "common/protocol/outbox.hpp"
#include "common/protocol/own_keys.hpp"
#include "common/protocol/suite_questions.hpp"
#include "common/protocol/timers.hpp"

#include <memory>
#include <optional>

namespace vpn::protocol {

/// What a peer borrows of its device for the length of one call.
struct Context {
    const OwnKeys& ours;
    IndexTable& indices;
    Random& random;
    Now now;
    Outbox& out;
};

/// The timestamps that must outlive a restart (PROTOCOL 2), of the initiations sent to a peer and accepted from it.
struct Timestamps {
    crypto::PublicKey peer;
    crypto::Tai64n sent;
    crypto::Tai64n received;
};

/// How far our own attempt at a handshake has come since the last one that was completed. For diagnosis.
struct AttemptReport {
    std::uint32_t initiations = 0;
    std::uint32_t rejected_responses = 0;
    std::uint32_t cookies = 0;
    std::uint32_t wrong_suites = 0; ///< our question in the other suite was answered: the two configurations differ
    /// Our question got there, and was declined: the endpoint answers, and small datagrams pass both ways.
    std::optional<Endpoint> declined_at;
    std::uint32_t initiations_since_declined = 0;
    bool under_way = false;
};

class Peer {
  public:
    Peer(PeerId id, const crypto::PublicKey& key, crypto::PresharedKey preshared, Suite suite);

    [[nodiscard]] PeerId id() const { return id_; }
    [[nodiscard]] const RemoteIdentity& identity() const { return identity_; }
    [[nodiscard]] Suite suite() const { return suite_; }
    [[nodiscard]] const std::shared_ptr<Activity>& activity() const { return activity_; }
    [[nodiscard]] const std::optional<Path>& path() const { return path_; }
    [[nodiscard]] const Keyring& keyring() const { return keyring_; }
    [[nodiscard]] const std::optional<Now>& last_handshake() const { return last_handshake_; }
    /// How many were completed, whoever began them.
    [[nodiscard]] std::uint64_t handshakes() const { return handshakes_; }
    [[nodiscard]] AttemptReport attempt() const;
    [[nodiscard]] Duration persistent_keepalive() const { return timers_.persistent_keepalive(); }
    [[nodiscard]] std::optional<Boot> next_deadline() const;

    // Configuration
    void set_preshared_key(crypto::PresharedKey key) { identity_.preshared_key = std::move(key); }
    /// Another suite ends sessions and handshakes of the one before.
    void set_suite(Suite suite, Context context);
    /// When initiations stay unanswered, now and then one of the other suite asks whether that is why (EXPERIENCE, "Connected
    /// means connected"): so soon after the first, or a moment after the second. It never leads to a session. None: never.
    void set_asks_other_suite(std::optional<Duration> patience) { questions_.set_patience(patience); }
    /// An endpoint that was configured, not learned. The local source is forgotten.
    void set_endpoint(const Endpoint& endpoint, Context context);
    void forget_local_source(Context context);
    /// Zero turns it off; a new interval begins with a keepalive at once.
    void set_persistent_keepalive(Duration interval, Context context);
    /// Our keys changed: what a peer has whose last handshake was by one that is gone ends, and an attempt by it is begun anew.
    void adopt_own_keys(Context context);
    /// By which key of ours it spoke to us before a restart.
    void restore_own_key(const crypto::PublicKey& key) { own_key_ = key; }
    /// By which key of ours it spoke to us last; none if it has not.
    [[nodiscard]] const std::optional<crypto::PublicKey>& own_key() const { return own_key_; }
    /// Why this peer is not served: its sessions end, nothing of it is answered, and no handshake begins. None: it is served.
    void set_barred(std::optional<Drop> reason, Context context);
    [[nodiscard]] std::optional<Drop> barred() const { return barred_; }
    void restore(const Timestamps& timestamps);
    [[nodiscard]] Timestamps timestamps() const { return {identity_.public_key, last_sent_, last_received_}; }
    void forget_received_timestamp() { last_received_ = last_of_other_suite_ = {}; }
    /// Gives back every index and session. The peer is not used afterwards.
    void leave(Context context);

    // The conversation
    /// Starts a handshake unless one is under way or the last was less than 5 s ago (then it starts later).
    void want_handshake(Context context);
    /// Starts one that waits for no other (see Timers::handle_new_way), by whatever way the kernel now chooses.
    void handle_new_way(Context context);
    /// The handshake that is under way goes on at once, at this endpoint; it is given up no later for that. If none is under way,
    /// nobody is asked before one is wanted.
    void seek_at(const Endpoint& endpoint, Context context);
    /// Sends the initiation that waits for an answer there too: the same bytes, so that it is answered once, and whoever does
    /// so first is where the peer is from then on. Nothing happens if none waits.
    void send_initiation_also_to(const Endpoint& endpoint, Context context);
    /// `ours` is the key of ours that the initiation means, and that it was opened by.
    /// Errors: see read_timestamp and answer_initiation; old_timestamp, too_soon; of one that is authentic and new,
    /// wrong_suite, or why the peer is barred.
    /// On error nothing has changed.
    [[nodiscard]] Checked<void> handle_initiation(noise::Responder&& opened, const noise::KeyPair& ours,
                                                  const InitiationView& initiation, const Path& from, Context context);
    /// Errors: unknown_session if we don't wait for it; see read_response; wrong_suite if it answers our question for that.
    [[nodiscard]] Checked<void> handle_response(const ResponseView& response, const Path& from, Context context);
    [[nodiscard]] Checked<void> handle_cookie_reply(const CookieReplyView& reply, Context context);

    // What the data path saw
    void handle_notice(Notice notice, Context context);
    /// An authentic packet with `counter` on the session `born` then came by this path. Older packets than the last mover are
    /// ignored.
    void handle_move(const Path& from, Boot born, std::uint64_t counter, Context context);
    void handle_time(Context context);

  private:
    /// The key of ours that the peer knows, as far as we can tell: that which it used last. Of one who has not spoken yet, the
    /// old one, while there is one: it was configured with that, or has the new one and comes by itself.
    [[nodiscard]] const noise::KeyPair& our_key(Context context) const;
    /// That one; while it is the old one, the current one in every second initiation of an attempt: a peer that was told of the
    /// new key, and can only answer, would never be reached.
    [[nodiscard]] const noise::KeyPair& key_to_begin_with(Context context) const;
    /// Whether the peer can be spoken to by that key. Works the agreement out, unless that was done.
    [[nodiscard]] bool agree(Context context);
    void initiate(Context context);
    void abandon_initiation(Context context);
    void ask_other_suite(Context context);
    void forget_questions(const std::vector<SuiteQuestion>& questions, Context context);
    /// Writes one and sends it there; `cookies` makes its MACs. None: no index was left, or the peer's key is none.
    [[nodiscard]] std::optional<PendingInitiation> send_initiation(Suite suite, CookieJar& cookies, const Path& path,
                                                                   Context context);
    void send_handshake(ByteVector message, const Path& path, Context context);
    [[nodiscard]] const PendingInitiation* initiation_with(LocalIndex index);
    [[nodiscard]] Checked<void> handle_other_suite(const crypto::Tai64n& timestamp, const IpAddress& local, Context context);
    void end_conversation(Context context);
    /// A handshake message came from there: newer than any data on the sessions before it.
    void follow(const Path& from, Context context);
    void set_path(const Path& path, Context context);
    void install(SessionPtr session, Context context);
    void retire(const std::vector<SessionPtr>& sessions, Context context);
    void complete(Context context);

    PeerId id_;
    RemoteIdentity identity_;
    std::optional<crypto::PublicKey> own_key_;
    Suite suite_;
    std::optional<Drop> barred_;
    CookieJar cookies_;
    std::shared_ptr<Activity> activity_ = std::make_shared<Activity>();
    Keyring keyring_;
    Timers timers_;
    std::unique_ptr<PendingInitiation> pending_;
    ByteVector pending_message_; ///< as it was sent
    SuiteQuestions questions_;
    std::optional<Path> path_;
    std::pair<Boot, std::uint64_t> last_mover_{}; ///< birth of the session, counter
    crypto::Tai64n last_sent_;
    crypto::Tai64n last_received_;
    std::optional<Boot> last_accepted_;  ///< when an initiation was last answered
    crypto::Tai64n last_of_other_suite_; ///< the newest initiation in it, until we restart
    /// At which of our addresses such initiations came last, and when; since one of ours was accepted.
    std::vector<std::pair<IpAddress, Boot>> other_suite_at_;
    std::optional<Now> last_handshake_;
    std::uint64_t handshakes_ = 0;
    AttemptReport attempt_;
};

} // namespace vpn::protocol
