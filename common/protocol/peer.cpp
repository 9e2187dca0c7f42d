#include "common/protocol/peer.hpp"

#include <algorithm>
#include <utility>

namespace vpn::protocol {

namespace {

/// A peer that has the other suite repeats its initiations, at each of our addresses that it knows in turn. One that has ours,
/// and to which our answers don't get through, asks each address once in sixteen initiations.
constexpr Duration repeated_after = rekey_timeout - 1s;
constexpr Duration repeated_before = 60s;
constexpr std::size_t addresses_watched = 8;

/// Two that were sent in one instant may come the other way round.
bool is_long_before(const crypto::Tai64n& early, const crypto::Tai64n& late) {
    const auto seconds = [](const crypto::Tai64n& time) { return load_be<std::uint64_t>(time.bytes.data()); };
    return seconds(early) + 1 < seconds(late);
}

} // namespace

Peer::Peer(PeerId id, const crypto::PublicKey& key, crypto::PresharedKey preshared, Suite suite)
    : id_(id), identity_(key, std::move(preshared)), suite_(suite), cookies_(key) {}

AttemptReport Peer::attempt() const {
    AttemptReport report = attempt_;
    report.under_way = timers_.attempting();
    return report;
}

std::optional<Boot> Peer::next_deadline() const {
    const auto timers = timers_.next_deadline(*activity_);
    const auto question = questions_.next_deadline();
    return timers && question ? std::min(*timers, *question) : timers ? timers : question;
}

// --- configuration -----------------------------------------------------------------------------------------------------------

void Peer::set_endpoint(const Endpoint& endpoint, Context context) { set_path({endpoint, {}}, context); }

void Peer::forget_local_source(Context context) {
    if (path_) set_path({path_->remote, {}}, context);
}

void Peer::set_persistent_keepalive(Duration interval, Context context) {
    const bool begins = interval != Duration::zero() && interval != timers_.persistent_keepalive();
    timers_.set_persistent_keepalive(interval, context.now.boot);
    if (!begins || !path_) return;
    if (keyring_.can_send(context.now.boot))
        context.out.actions.emplace_back(SendKeepalive{id_});
    else
        want_handshake(context);
}

void Peer::adopt_own_keys(Context context) {
    const auto is_gone = [&](const crypto::PublicKey& key) { return context.ours.find(key) == nullptr; };
    identity_.forget_agreements_but(context.ours);
    if (own_key_ && is_gone(*own_key_)) {
        own_key_.reset();
        end_conversation(context);
    } else if (pending_ && is_gone(pending_->ours)) {
        abandon_initiation(context); // its repetition goes by a key that is there
    }
}

const noise::KeyPair& Peer::our_key(Context context) const {
    const noise::KeyPair* used = own_key_ ? context.ours.find(*own_key_) : context.ours.old();
    return used != nullptr ? *used : context.ours.current();
}

const noise::KeyPair& Peer::key_to_begin_with(Context context) const {
    const noise::KeyPair& used = our_key(context);
    const bool turn_of_other = &used == context.ours.old() && attempt_.initiations % 2 == 1;
    return turn_of_other ? context.ours.current() : used;
}

void Peer::set_suite(Suite suite, Context context) {
    if (suite == suite_) return;
    suite_ = suite;
    attempt_ = {};
    other_suite_at_.clear();
    end_conversation(context);
}

void Peer::set_barred(std::optional<Drop> reason, Context context) {
    const bool begins = reason && !barred_;
    barred_ = reason;
    if (!begins) return;
    attempt_ = {};
    end_conversation(context);
    context.out.actions.emplace_back(DropStaged{id_});
}

void Peer::end_conversation(Context context) {
    abandon_initiation(context);
    forget_questions(questions_.clear(), context);
    timers_.handshake_complete();
    if (keyring_.current()) context.out.actions.emplace_back(UseSession{id_, nullptr});
    retire(keyring_.clear(), context);
}

void Peer::restore(const Timestamps& timestamps) {
    last_sent_ = std::max(last_sent_, timestamps.sent);
    last_received_ = std::max(last_received_, timestamps.received);
}

void Peer::leave(Context context) {
    abandon_initiation(context);
    forget_questions(questions_.clear(), context);
    retire(keyring_.clear(), context);
    context.out.actions.emplace_back(RemovePeer{id_});
}

// --- our own handshake -------------------------------------------------------------------------------------------------------

void Peer::want_handshake(Context context) {
    if (!path_ || barred_) return;
    if (!agree(context)) return;
    if (timers_.want_handshake(context.now.boot)) initiate(context);
}

void Peer::handle_new_way(Context context) {
    if (barred_ || !path_) return;
    if (!agree(context)) return;
    forget_local_source(context);
    if (timers_.handle_new_way(context.now.boot)) initiate(context);
}

void Peer::seek_at(const Endpoint& endpoint, Context context) {
    set_endpoint(endpoint, context);
    if (!barred_ && timers_.hurry(context.now.boot)) initiate(context);
}

void Peer::send_initiation_also_to(const Endpoint& endpoint, Context context) {
    if (!pending_) return;
    questions_.handle_also_to(endpoint, context.now.boot);
    send_handshake(pending_message_, {endpoint, {}}, context);
}

bool Peer::agree(Context context) {
    const noise::KeyPair& ours = key_to_begin_with(context);
    identity_.agree_with(ours);
    return identity_.agreement_with(ours) != nullptr;
}

void Peer::initiate(Context context) {
    abandon_initiation(context);
    timers_.initiation_sent(context.now.boot, context.random); // if it fails, the next attempt is the repetition
    auto sent = send_initiation(suite_, cookies_, *path_, context);
    if (!sent) return;
    pending_ = std::make_unique<PendingInitiation>(std::move(*sent));
    pending_message_ = std::get<SendDatagram>(context.out.actions.back()).bytes;
    ++attempt_.initiations;
    if (attempt_.declined_at) ++attempt_.initiations_since_declined;
    forget_questions(questions_.handle_initiation(path_->remote, attempt_.initiations, context.now.boot), context);
    context.out.events.push_back({id_, EventKind::initiation_sent});
}

std::optional<PendingInitiation> Peer::send_initiation(Suite suite, CookieJar& cookies, const Path& path, Context context) {
    if (!agree(context)) return std::nullopt; // our key may have become another since the attempt began
    const auto index = context.indices.take(id_, context.random);
    if (!index) return std::nullopt;
    last_sent_ = std::max(crypto::Tai64n::from(context.now.wall), last_sent_.next());
    context.out.timestamps_changed = true;
    ByteVector message(initiation_size(suite));
    auto pending = make_initiation(suite, key_to_begin_with(context), identity_, *index, last_sent_, context.random, message);
    if (!pending) {
        context.indices.release(*index);
        return std::nullopt;
    }
    cookies.write_macs({message}, context.now.boot);
    send_handshake(std::move(message), path, context);
    return std::move(*pending);
}

void Peer::send_handshake(ByteVector message, const Path& path, Context context) {
    activity_->sent_handshake(context.now.boot);
    activity_->count_sent(message.size());
    context.out.actions.emplace_back(SendDatagram{std::move(message), path});
}

void Peer::ask_other_suite(Context context) {
    const auto endpoints = questions_.take_due(context.now.boot);
    if (attempt_.rejected_responses > 0) return; // it has our suite, and another preshared key
    for (const Endpoint& to : endpoints) {
        CookieJar cookies(identity_.public_key);
        if (auto pending = send_initiation(other_than(suite_), cookies, {to, {}}, context))
            questions_.add({std::move(*pending), std::move(cookies), to});
    }
}

void Peer::forget_questions(const std::vector<SuiteQuestion>& questions, Context context) {
    for (const SuiteQuestion& each : questions) context.indices.release(each.pending.index);
}

const PendingInitiation* Peer::initiation_with(LocalIndex index) {
    if (pending_ && pending_->index == index) return pending_.get();
    const SuiteQuestion* question = questions_.find(index);
    return question == nullptr ? nullptr : &question->pending;
}

void Peer::abandon_initiation(Context context) {
    if (!pending_) return;
    context.indices.release(pending_->index);
    pending_.reset();
    pending_message_ = {};
}

Checked<void> Peer::handle_response(const ResponseView& response, const Path& from, Context context) {
    const LocalIndex index{response.receiver()};
    const PendingInitiation* initiation = initiation_with(index);
    if (initiation == nullptr || initiation->noise.suite() != response.suite) return dropped(Drop::unknown_session);
    const noise::KeyPair* ours = context.ours.find(initiation->ours);
    if (ours == nullptr) return dropped(Drop::unknown_session);
    auto keys = read_response(*initiation, *ours, identity_, response);
    if (!keys) {
        ++attempt_.rejected_responses;
        context.out.events.push_back({id_, EventKind::response_rejected});
        return dropped(keys.error());
    }
    if (response.suite != suite_) { // we asked, they answered: that is all we wanted to know, and the keys are wiped unused
        context.indices.release(index);
        questions_.remove(index);
        ++attempt_.wrong_suites;
        context.out.events.push_back({id_, EventKind::wrong_suite});
        return dropped(Drop::wrong_suite);
    }
    auto session = std::make_shared<Session>(id_, Role::initiator, index, RemoteIndex{response.sender()}, std::move(*keys),
                                             context.now.boot);
    own_key_ = ours->public_key;
    pending_.reset(); // its index lives on in the session
    pending_message_ = {};
    activity_->received_handshake(context.now.boot);
    activity_->count_received(response.message.size());
    follow(from, context);
    install(session, context);
    retire(keyring_.install_initiated(session), context);
    complete(context);
    context.out.actions.emplace_back(UseSession{id_, std::move(session), true});
    return {};
}

Checked<void> Peer::handle_cookie_reply(const CookieReplyView& reply, Context context) {
    if (SuiteQuestion* question = questions_.find(LocalIndex{reply.receiver()})) {
        if (auto known = question->cookies.handle_reply(reply, context.now.boot); !known) return known;
        activity_->count_received(reply.message.size());
        attempt_.declined_at = question->to;
        context.out.events.push_back({id_, EventKind::suite_declined});
        return {};
    }
    if (auto kept = cookies_.handle_reply(reply, context.now.boot); !kept) return kept;
    activity_->count_received(reply.message.size());
    ++attempt_.cookies;
    context.out.events.push_back({id_, EventKind::cookie_received});
    return {};
}

// --- the other side's handshake ----------------------------------------------------------------------------------------------

Checked<void> Peer::handle_initiation(noise::Responder&& opened, const noise::KeyPair& ours, const InitiationView& initiation,
                                      const Path& from, Context context) {
    identity_.agree_with(ours);
    const auto timestamp = read_timestamp(opened, ours, identity_, initiation);
    if (!timestamp) return dropped(timestamp.error());
    if (*timestamp <= last_received_) {
        // An equal one is the same initiation, duplicated on the way: nobody's clock went back.
        if (is_long_before(*timestamp, last_received_)) context.out.events.push_back({id_, EventKind::clock_behind});
        return dropped(Drop::old_timestamp);
    }
    if (barred_) {
        context.out.events.push_back({id_, EventKind::refused});
        return dropped(*barred_);
    }
    // DEVIATION: PROTOCOL 2 drops another suite right behind `s`, unanswered. Here it is judged behind the timestamp and answered
    // with a cookie reply, once for each timestamp: so that the client can name what is wrong, and a replay learns nothing.
    if (initiation.suite != suite_) return handle_other_suite(*timestamp, from.local.address, context);
    if (last_accepted_ && context.now.boot - *last_accepted_ < initiation_spacing_min) return dropped(Drop::too_soon);
    const auto index = context.indices.take(id_, context.random);
    if (!index) return dropped(Drop::queue_full);
    ByteVector message(response_size(suite_));
    auto keys =
        answer_initiation(std::move(opened), identity_, *index, RemoteIndex{initiation.sender()}, context.random, message);
    if (!keys) {
        context.indices.release(*index);
        return dropped(keys.error());
    }
    own_key_ = ours.public_key;
    last_received_ = *timestamp;
    context.out.timestamps_changed = true;
    last_accepted_ = context.now.boot;
    other_suite_at_.clear();
    activity_->received_handshake(context.now.boot);
    activity_->count_received(initiation.message.size());
    follow(from, context);
    cookies_.write_macs({message}, context.now.boot);
    auto session = std::make_shared<Session>(id_, Role::responder, *index, RemoteIndex{initiation.sender()}, std::move(*keys),
                                             context.now.boot);
    install(session, context);
    retire(keyring_.install_answered(std::move(session)), context);
    timers_.response_sent(context.now.boot);
    send_handshake(std::move(message), from, context);
    return {};
}

Checked<void> Peer::handle_other_suite(const crypto::Tai64n& timestamp, const IpAddress& local, Context context) {
    if (timestamp <= last_of_other_suite_) return dropped(Drop::old_timestamp);
    last_of_other_suite_ = timestamp;
    const Boot now = context.now.boot;
    const auto here = std::ranges::find(other_suite_at_, local, &std::pair<IpAddress, Boot>::first);
    if (here == other_suite_at_.end()) {
        if (other_suite_at_.size() == addresses_watched) other_suite_at_.erase(other_suite_at_.begin());
        other_suite_at_.emplace_back(local, now);
        return dropped(Drop::wrong_suite);
    }
    const Duration since = now - here->second;
    if (since >= repeated_after && since <= repeated_before) context.out.events.push_back({id_, EventKind::wrong_suite});
    if (since >= repeated_after) here->second = now;
    return dropped(Drop::wrong_suite);
}

// --- what the data path saw --------------------------------------------------------------------------------------------------

void Peer::handle_notice(Notice notice, Context context) {
    if (has(notice, Notice::armed)) timers_.armed(context.now.boot, context.random);
    if (has(notice, Notice::confirmed)) {
        auto [promoted, gone] = keyring_.promote();
        if (promoted) complete(context);
        const bool theirs_counts = identity_.public_key < our_key(context).public_key;
        if (promoted || (theirs_counts && keyring_.settle_on_theirs()))
            context.out.actions.emplace_back(UseSession{id_, keyring_.current()});
        retire(gone, context);
    }
    if (has(notice, Notice::wants_handshake)) {
        // The packet that asked may have waited for a session that is there by now.
        const bool renewed = keyring_.can_send(context.now.boot) && context.now.boot - keyring_.current()->born() < rekey_timeout;
        if (!renewed) want_handshake(context);
    }
}

void Peer::handle_move(const Path& from, Boot born, std::uint64_t counter, Context context) {
    if (std::pair(born, counter) < last_mover_) return;
    last_mover_ = {born, counter};
    if (path_ == from) return;
    const bool elsewhere = !path_ || path_->remote != from.remote;
    path_ = from;
    context.out.actions.emplace_back(SetPath{id_, from});
    if (elsewhere) context.out.events.push_back({id_, EventKind::endpoint_moved});
}

void Peer::handle_time(Context context) {
    const Due due = timers_.take_due(*activity_, context.now.boot);
    if (due.give_up) {
        abandon_initiation(context);
        forget_questions(questions_.clear(), context);
        if (keyring_.current()) keyring_.current()->forget_rekey();
        context.out.actions.emplace_back(DropStaged{id_});
        context.out.events.push_back({id_, EventKind::gave_up});
    }
    if (due.renew || due.initiate) forget_local_source(context); // the way may have changed under us
    if (due.initiate) initiate(context);
    ask_other_suite(context);
    if (due.renew) want_handshake(context); // in this order: two in one instant would spoil each other
    if (due.keepalive || due.persistent) {
        if (keyring_.can_send(context.now.boot))
            context.out.actions.emplace_back(SendKeepalive{id_});
        else if (due.persistent)
            want_handshake(context);
    }
    if (due.wipe) { // an initiation that is under way stays: after a sleep it may be a moment old
        if (keyring_.current()) context.out.actions.emplace_back(UseSession{id_, nullptr});
        retire(keyring_.clear(), context);
    }
}

// --- shared steps ------------------------------------------------------------------------------------------------------------

void Peer::follow(const Path& from, Context context) {
    last_mover_ = {context.now.boot, 0};
    set_path(from, context);
}

void Peer::set_path(const Path& path, Context context) {
    if (path_ == path) return;
    path_ = path;
    context.out.actions.emplace_back(SetPath{id_, path});
}

void Peer::install(SessionPtr session, Context context) {
    timers_.keys_derived(context.now.boot);
    context.out.actions.emplace_back(InstallSession{std::move(session)});
}

void Peer::retire(const std::vector<SessionPtr>& sessions, Context context) {
    for (const SessionPtr& session : sessions) {
        context.indices.release(session->local());
        context.out.actions.emplace_back(RetireSession{session});
    }
}

void Peer::complete(Context context) {
    timers_.handshake_complete();
    abandon_initiation(context);
    forget_questions(questions_.clear(), context);
    attempt_ = {};
    last_handshake_ = context.now;
    ++handshakes_;
    context.out.events.push_back({id_, EventKind::handshake_complete});
}

} // namespace vpn::protocol
