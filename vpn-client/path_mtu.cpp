#include "vpn-client/path_mtu.hpp"

#include "common/crypto/system_random.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

/// Netlink tells of a change piece by piece.
constexpr Duration quiet_after_change = 200ms;
/// A way that was found too narrow swallows large packets no longer than this and a search.
constexpr Duration between_looks = 5s;
/// A way that has become wider is found by then.
constexpr Duration between_searches = 10min;
/// Whoever sends "too big" can cause no more than this many searches.
constexpr Duration between_doubts = 10s;
/// Less is keepalives and handshakes.
constexpr std::uint64_t busy_bytes = 4096;
/// The answer is padded to these where the other side's interface has more than ours; it must not get larger than the question.
constexpr std::size_t padding_multiple = 16;
constexpr std::size_t small_question = 64;
/// Jumbo frames; loopback's 64 KiB are no way to anybody.
constexpr std::uint32_t largest_outer_size = 9000;

std::uint16_t random_identifier() {
    crypto::SystemRandom random;
    return static_cast<std::uint16_t>(random.next_u32());
}

Boot now() { return system::now().boot; }

} // namespace

Result<std::unique_ptr<PathMtu>> PathMtu::start(boost::asio::io_context& loop, const Question& question,
                                                system::OsResult<EchoListener> listener, Means means) {
    if (!listener) return failed(listener.error().message);
    if (const auto heard = listener->listen(question.interface, question.source.family()); !heard)
        return failed(heard.error().message);
    auto path = std::make_unique<PathMtu>(loop, question, std::move(*listener), std::move(means));
    path->search();
    return path;
}

PathMtu::PathMtu(boost::asio::io_context& loop, const Question& question, EchoListener listener, Means means)
    : question_(question), means_(std::move(means)), listener_(std::move(listener)), identifier_(random_identifier()),
      pause_(between_looks), fruitless_(between_looks), watch_(loop, listener_.fd(), [this] { hear(); }),
      alarm_(loop, [this] { search_ ? go_on() : look(); }) {}

void PathMtu::handle_network_change() {
    search_.reset();
    search_next_ = was_busy_ = true;
    fruitless_ = between_looks;
    alarm_.set_in(quiet_after_change);
}

void PathMtu::handle_too_big(std::uint32_t claimed) {
    const bool news = path_ && claimed < *path_ && now() - searched_ >= between_doubts;
    const bool searches = search_ && !only_checks_;
    if (news && !searches) search();
}

void PathMtu::search() {
    search_.emplace(sizes_up_to(std::min(means_.link_mtu(), largest_outer_size)));
    only_checks_ = search_next_ = false;
    sizes_.clear();
    go_on();
}

void PathMtu::check() {
    search_.emplace(std::vector{smallest_outer_size, *path_});
    only_checks_ = true;
    sizes_.clear();
    go_on();
}

/// Nothing to do while nobody uses the tunnel: asking would keep a radio awake.
void PathMtu::look() {
    alarm_.set_in(between_looks); // first, as in all that it calls: it looks again, whatever memory there is
    const bool busy = seems_busy();
    if (busy && (search_next_ || now() - searched_ >= pause_)) return search();
    if (busy && path_ && *path_ > smallest_outer_size) return check();
}

/// Also once after it was: what stands still may have met a way that became narrow.
bool PathMtu::seems_busy() {
    const std::uint64_t traffic = means_.traffic();
    const bool busy = traffic - std::exchange(traffic_, traffic) >= busy_bytes;
    return std::exchange(was_busy_, busy) || busy;
}

void PathMtu::go_on() {
    alarm_.set_in(between_looks);
    send(search_->handle_time(now()));
    if (search_->over()) return finish();
    alarm_.set_in(*search_->next_deadline() - now());
}

void PathMtu::finish() {
    alarm_.set_in(between_looks);
    const auto found = search_->found();
    search_.reset();
    const bool narrower = only_checks_ && found && *found < *path_;
    if (narrower) return search();
    if (!only_checks_) {
        searched_ = now();
        // Who never answers is not asked over and over: not every name server answers pings.
        pause_ = found ? between_searches : std::min<Duration>(std::exchange(fruitless_, fruitless_ * 2), between_searches);
        if (found) fruitless_ = between_looks;
        if (found && path_ != found) tell(*found);
    }
    traffic_ = means_.traffic(); // our own counts for nothing
}

/// What memory does not suffice for is not found yet.
void PathMtu::tell(std::uint32_t found) {
    const auto before = std::exchange(path_, found);
    try {
        means_.found();
    } catch (const std::bad_alloc&) {
        path_ = before;
        search_next_ = was_busy_ = true;
        throw;
    }
}

void PathMtu::send(const std::vector<std::uint32_t>& sizes) {
    std::vector<ByteVector> packets;
    const std::uint32_t overhead = means_.overhead();
    for (const std::uint32_t size : sizes) {
        sizes_[++sequence_] = size;
        const std::size_t inner = size - overhead;
        packets.push_back(encode_echo_packet(question_.source, question_.destination, {identifier_, sequence_},
                                             question_.large_answer ? inner - inner % padding_multiple : small_question));
        packets.back().resize(inner); // as padding
    }
    if (!packets.empty()) means_.send(packets);
}

void PathMtu::hear() {
    const auto reply = listener_.next();
    if (!search_ || !reply || reply->source != question_.destination || reply->echo.identifier != identifier_) return;
    const auto size = sizes_.find(reply->echo.sequence);
    if (size == sizes_.end()) return;
    search_->handle_answer(size->second, now());
    if (search_->over()) finish();
}

} // namespace vpn::client
