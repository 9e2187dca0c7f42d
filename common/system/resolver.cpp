#include "common/system/resolver.hpp"

#include "common/system/os_error.hpp"
#include "common/system/signals_blocked.hpp"
#include "common/system/socket_address.hpp"
#include "common/system/unique_fd.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

namespace vpn::system {
namespace {

using Kind = ResolveError::Kind;

constexpr std::string_view too_late = "the resolvers of this machine gave no answer in time";

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

tl::unexpected<ResolveError> refuse(Kind kind, std::string message) {
    return tl::unexpected<ResolveError>(ResolveError{{std::move(message)}, kind});
}

tl::unexpected<ResolveError> refuse_lookup(int code, int error) {
    switch (code) {
    case EAI_NONAME:
    case EAI_NODATA: return refuse(Kind::not_found, "there is no such name, or it has no address");
    case EAI_AGAIN: return refuse(Kind::try_again, "the resolvers of this machine gave no answer");
    case EAI_FAIL: return refuse(Kind::try_again, "the resolvers of this machine failed");
    case EAI_SYSTEM: return refuse(Kind::unexpected, errno_text(error));
    default: return refuse(Kind::unexpected, ::gai_strerror(code));
    }
}

std::optional<Endpoint> endpoint_of(const addrinfo& entry, Port port) {
    SocketAddress address{};
    if (entry.ai_addrlen > sizeof address) return std::nullopt;
    std::memcpy(&address, entry.ai_addr, entry.ai_addrlen);
    auto endpoint = to_endpoint(address);
    if (endpoint) endpoint->port = port;
    return endpoint;
}

Resolved look_up(const std::string& host, Port port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    const int error = errno;
    if (code != 0) return refuse_lookup(code, error);
    const Addresses owned(list);
    std::vector<Endpoint> endpoints;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        const auto endpoint = endpoint_of(*entry, port);
        if (endpoint && std::ranges::find(endpoints, *endpoint) == endpoints.end()) endpoints.push_back(*endpoint);
    }
    if (endpoints.empty()) return refuse(Kind::not_found, "it has neither an IPv4 nor an IPv6 address");
    return endpoints;
}

constexpr const char* no_memory = "out of memory"; // short enough to need none

Resolved look_up_or_fail(const std::string& host, Port port) {
    try {
        return look_up(host, port);
    } catch (const std::bad_alloc&) {
        return refuse(Kind::unexpected, no_memory);
    }
}

/// One that has come is taken though the time is up.
Resolved take_until(Lookup& lookup, std::chrono::steady_clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        pollfd watched{lookup.fd(), POLLIN, 0};
        if (::poll(&watched, 1, static_cast<int>(std::clamp<long long>(left, 0, 60'000))) > 0) return lookup.take();
        if (left <= 0) return refuse(Kind::timed_out, std::string(too_late));
    }
}

} // namespace

/// Belongs to both sides, so that either may go first: getaddrinfo can't be called off.
struct Lookup::Shared {
    Shared() : done(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (!done) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
    }
    void put(Resolved resolved) {
        {
            const std::lock_guard guard(lock);
            answer = std::move(resolved);
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(done.get(), &one, sizeof one);
    }

    UniqueFd done;
    std::mutex lock;
    std::optional<Resolved> answer;
};

Lookup::Lookup(std::string host, Port port) : shared_(std::make_shared<Shared>()) {
    const SignalsBlocked inherited;
    try {
        std::thread([shared = shared_, name = std::move(host), port] { shared->put(look_up_or_fail(name, port)); }).detach();
    } catch (const std::system_error&) { // no memory for a thread, or no more of them are allowed
        shared_->put(refuse(Kind::unexpected, no_memory));
    }
}

int Lookup::fd() const { return shared_->done.get(); }

Resolved Lookup::take() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(fd(), &count, sizeof count);
    const std::lock_guard guard(shared_->lock);
    return std::move(shared_->answer.value());
}

Resolved resolve(const std::string& host, Port port, Duration limit) { return resolve_all({{host, port}}, limit).front(); }

std::vector<Resolved> resolve_all(const std::vector<Wanted>& all, Duration limit) {
    std::vector<Lookup> lookups;
    lookups.reserve(all.size());
    for (const Wanted& each : all) lookups.emplace_back(each.host, each.port);
    const auto end = std::chrono::steady_clock::now() + limit;
    std::vector<Resolved> answers;
    answers.reserve(all.size());
    for (Lookup& each : lookups)
        answers.push_back(limit > Duration::zero() ? take_until(each, end) : refuse(Kind::timed_out, std::string(too_late)));
    return answers;
}

} // namespace vpn::system
