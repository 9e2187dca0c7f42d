#include "vpn-client/portal/check.hpp"

#include "common/system/clocks.hpp"
#include "common/system/resolver.hpp"
#include "common/system/signals_blocked.hpp"
#include "common/system/socket_address.hpp"
#include "common/system/unique_fd.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace vpn::client {
namespace {

using system::UniqueFd;

constexpr std::size_t most_addresses = 4;

/// One connection to one address, until `end`.
class Exchange {
  public:
    Exchange(const Endpoint& server, Mark mark, Boot end) : end_(end) {
        const int family = system::address_family(server.address.family());
        socket_.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket_ || !set_mark(mark) || !connect_to(server)) socket_.reset();
    }

    /// What came in answer; the beginning of it.
    std::string ask(std::string_view question) {
        std::string answer;
        while (!question.empty() && wait_for(POLLOUT)) {
            const ssize_t sent = ::send(socket_.get(), question.data(), question.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN && errno != EINTR) return answer;
            if (sent > 0) question.remove_prefix(static_cast<std::size_t>(sent));
        }
        std::array<char, longest_portal_answer> piece{};
        while (question.empty() && answer.size() < longest_portal_answer && !tells_enough(answer) && wait_for(POLLIN)) {
            const ssize_t got = ::recv(socket_.get(), piece.data(), longest_portal_answer - answer.size(), 0);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
            if (got > 0) answer.append(piece.data(), static_cast<std::size_t>(got));
        }
        return answer;
    }

  private:
    /// Unmarked it would go into the tunnel.
    [[nodiscard]] bool set_mark(Mark mark) const {
        return mark == Mark{} || ::setsockopt(socket_.get(), SOL_SOCKET, SO_MARK, &mark.value, sizeof mark.value) == 0;
    }
    [[nodiscard]] bool connect_to(const Endpoint& server) const {
        system::SocketAddress address{};
        const socklen_t length = system::write_socket_address(server, address);
        return ::connect(socket_.get(), &address.any, length) == 0 || errno == EINPROGRESS;
    }
    [[nodiscard]] bool wait_for(short what) const {
        if (!socket_) return false;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - system::now().boot).count();
        pollfd watched{socket_.get(), what, 0};
        return left > 0 && ::poll(&watched, 1, static_cast<int>(std::min<long long>(left, 60'000))) > 0;
    }

    UniqueFd socket_;
    Boot end_;
};

std::vector<IpAddress> addresses_of(const PortalQuestion& question) {
    if (const auto literal = question.url.server.literal()) return {literal->address};
    if (!question.addresses.empty()) return question.addresses;
    std::vector<IpAddress> found;
    if (const auto resolved = system::resolve(question.url.server.host, question.url.server.port, question.limit / 2))
        for (const Endpoint& endpoint : *resolved) found.push_back(endpoint.address);
    return found;
}

} // namespace

WayOut ask_for_way_out(const PortalQuestion& question) {
    const Boot end = system::now().boot + question.limit;
    std::vector<IpAddress> addresses = addresses_of(question);
    addresses.resize(std::min(addresses.size(), most_addresses));
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const Boot now = system::now().boot;
        const auto fair_share = (end - now) / static_cast<int>(addresses.size() - i);
        Exchange exchange({addresses[i], question.url.server.port, 0}, question.mark, now + fair_share);
        WayOut seen = judge_portal_answer(exchange.ask(portal_question(question.url)), question.url);
        if (seen.kind != WayOut::Kind::unknown) return seen;
    }
    return {};
}

namespace {

WayOut ask_or_know_nothing(const PortalQuestion& question) {
    try {
        return ask_for_way_out(question);
    } catch (const std::bad_alloc&) {
        return {};
    }
}

} // namespace

/// Belongs to both sides, so that either may go first.
struct PortalCheck::Shared {
    Shared() : done(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (!done) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
    }
    void put(WayOut seen) {
        {
            const std::lock_guard guard(lock);
            answer = std::move(seen);
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(done.get(), &one, sizeof one);
    }

    UniqueFd done;
    std::mutex lock;
    WayOut answer;
};

PortalCheck::PortalCheck(PortalQuestion question) : shared_(std::make_shared<Shared>()) {
    const system::SignalsBlocked inherited;
    try {
        std::thread([shared = shared_, asked = std::move(question)] { shared->put(ask_or_know_nothing(asked)); }).detach();
    } catch (const std::system_error&) { // no memory for a thread, or no more of them are allowed
        shared_->put({});
    }
}

int PortalCheck::fd() const { return shared_->done.get(); }

WayOut PortalCheck::take() {
    const std::lock_guard guard(shared_->lock);
    return std::move(shared_->answer);
}

} // namespace vpn::client
