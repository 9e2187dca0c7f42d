#include "common/system/marked_lookup.hpp"

#include "common/system/clocks.hpp"
#include "common/system/os_error.hpp"
#include "common/system/socket_address.hpp"

#include <ares.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <system_error>
#include <utility>

namespace vpn::system {
namespace {

using Kind = ResolveError::Kind;

constexpr int patience = 2000; // milliseconds for a server's first answer; c-ares doubles it each round
constexpr int rounds = 2;
constexpr Port dns_port{53};

tl::unexpected<ResolveError> refuse(Kind kind, std::string message) {
    return tl::unexpected<ResolveError>(ResolveError{{std::move(message)}, kind});
}

tl::unexpected<ResolveError> refuse_status(int status) {
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
    case ARES_ENONAME: return refuse(Kind::not_found, "there is no such name, or it has no address");
    case ARES_ETIMEOUT: return refuse(Kind::try_again, "the name servers gave no answer");
    case ARES_ECONNREFUSED: return refuse(Kind::try_again, "the name servers could not be asked");
    case ARES_ENOMEM: return refuse(Kind::unexpected, "there is no memory left");
    default: return refuse(Kind::try_again, ::ares_strerror(status));
    }
}

struct FreeAddresses {
    void operator()(ares_addrinfo* list) const { ::ares_freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<ares_addrinfo, FreeAddresses>;

/// Of each family: whoever answers may list thousands, and each of them is asked, watched and let through a lock.
constexpr std::ptrdiff_t most_addresses = 8;

Resolved endpoints_of(const ares_addrinfo& list, Port port) {
    std::vector<Endpoint> endpoints;
    for (const ares_addrinfo_node* node = list.nodes; node != nullptr; node = node->ai_next) {
        SocketAddress address{};
        if (node->ai_addrlen > sizeof address) continue;
        std::memcpy(&address, node->ai_addr, node->ai_addrlen);
        auto endpoint = to_endpoint(address);
        if (!endpoint) continue;
        endpoint->port = port;
        const auto same_family = [&](const Endpoint& each) { return each.address.family() == endpoint->address.family(); };
        if (std::ranges::count_if(endpoints, same_family) == most_addresses) continue;
        if (std::ranges::find(endpoints, *endpoint) == endpoints.end()) endpoints.push_back(*endpoint);
    }
    if (endpoints.empty()) return refuse(Kind::not_found, "it has neither an IPv4 nor an IPv6 address");
    return endpoints;
}

/// c-ares knows no interfaces. Each server's port is its place among them instead, from one on: `connect` knows it by that.
std::vector<ares_addr_port_node> nodes_of(const std::vector<Resolver>& servers) {
    std::vector<ares_addr_port_node> nodes(servers.size());
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const Bytes address = servers[i].address.bytes();
        nodes[i].family = address_family(servers[i].address.family());
        nodes[i].udp_port = nodes[i].tcp_port = static_cast<int>(i + 1);
        std::memcpy(&nodes[i].addr, address.data(), address.size());
        if (i > 0) nodes[i - 1].next = &nodes[i];
    }
    return nodes;
}

/// Whom a channel asks, and through whose sockets.
struct Means {
    std::vector<Resolver> servers;
    SocketStock* stock; ///< none: new ones
};

/// c-ares's sockets, which are connected to the server at the place that it has for a port. The rest is as it does it by itself.
/// `means` is what c-ares was given.
namespace sockets {
ares_socket_t take(int family, int type, int protocol, void* means) {
    SocketStock* const stock = static_cast<Means*>(means)->stock;
    return stock != nullptr ? stock->lend(family, type) : ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}
int give_back(ares_socket_t fd, void* means) {
    SocketStock* const stock = static_cast<Means*>(means)->stock;
    if (stock == nullptr) return ::close(fd);
    stock->take_back(fd);
    return 0;
}
int connect(ares_socket_t fd, const sockaddr* address, ares_socklen_t length, void* means) {
    const auto& servers = static_cast<Means*>(means)->servers;
    SocketAddress to{};
    std::memcpy(&to, address, std::min<std::size_t>(length, sizeof to));
    const auto place = to_endpoint(to);
    if (!place || place->port.value == 0 || place->port.value > servers.size()) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    const Resolver& server = servers[place->port.value - 1U];
    const socklen_t size = write_socket_address({server.address, dns_port, server.scope}, to);
    return ::connect(fd, &to.any, size);
}
ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from, ares_socklen_t* length,
                     void* /*means*/) {
    return ::recvfrom(fd, buffer, size, flags, from, length);
}
ares_ssize_t send(ares_socket_t fd, const iovec* pieces, int count, void* /*means*/) { return ::writev(fd, pieces, count); }

constexpr ares_socket_functions functions{take, give_back, connect, receive, send};
} // namespace sockets

class AresLibrary {
  public:
    AresLibrary() {
        if (::ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) throw std::bad_alloc();
    }
    ~AresLibrary() { ::ares_library_cleanup(); }
    AresLibrary(const AresLibrary&) = delete;
    AresLibrary& operator=(const AresLibrary&) = delete;
};

} // namespace

/// c-ares's sockets and the timer for its patience, behind one descriptor.
class MarkedLookup::State {
  public:
    State(const std::string& host, Port port, std::vector<Resolver> servers, Mark mark, SocketStock* stock)
        : port_(port), mark_(mark), means_{std::move(servers), stock}, poll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (!poll_) throw std::system_error(errno, std::generic_category(), "cannot wait for name servers");
        watch(timer_.fd(), true, false);
        open();
        ares_addrinfo_hints hints{};
        hints.ai_flags = ARES_AI_NOSORT; // sorting would ask the kernel by sockets without a mark
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_DGRAM;
        ::ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &State::on_answer, this);
        set_timer();
    }
    ~State() { ::ares_destroy(channel_); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    [[nodiscard]] int fd() const { return poll_.get(); }

    std::optional<Resolved> handle_events() {
        std::array<epoll_event, 8> events{};
        for (;;) {
            const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), 0);
            if (count <= 0) break;
            for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) handle(event);
            set_timer();
        }
        return std::exchange(answer_, std::nullopt);
    }

  private:
    static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
        static_cast<State*>(self)->watch(fd, readable != 0, writable != 0);
    }
    /// A socket that can't have its mark is not used.
    static int on_configure(ares_socket_t fd, int /*type*/, void* self) {
        const std::uint32_t mark = static_cast<State*>(self)->mark_.value;
        return mark == 0 ? 0 : ::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
    }
    static void on_answer(void* self, int status, int /*timeouts*/, ares_addrinfo* list) {
        auto& state = *static_cast<State*>(self);
        state.list_.reset(list);
        state.status_ = status;
        state.answered_ = true; // looked at once we are out of c-ares, through which nothing may be thrown
    }

    void open() {
        ares_options options{};
        options.flags = ARES_FLAG_NOSEARCH;
        options.timeout = patience;
        options.tries = rounds;
        options.sock_state_cb = &State::on_socket;
        options.sock_state_cb_data = this;
        std::array<char, 3> lookups{'f', 'b', 0}; // /etc/hosts, then name servers
        options.lookups = lookups.data();
        const int mask =
            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_NOROTATE;
        if (::ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) throw std::bad_alloc();
        ::ares_set_socket_configure_callback(channel_, &State::on_configure, this);
        ::ares_set_socket_functions(channel_, &sockets::functions, &means_);
        std::vector<ares_addr_port_node> nodes = nodes_of(means_.servers);
        if (::ares_set_servers_ports(channel_, nodes.data()) != ARES_SUCCESS) {
            ::ares_destroy(channel_);
            throw std::bad_alloc();
        }
    }

    void watch(int fd, bool readable, bool writable) {
        epoll_event event{};
        if (readable) event.events |= EPOLLIN;
        if (writable) event.events |= EPOLLOUT;
        event.data.fd = fd;
        if (event.events == 0)
            ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, fd, nullptr);
        else if (::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
            ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event);
    }

    void handle(const epoll_event& event) {
        const int fd = event.data.fd;
        if (fd == timer_.fd()) {
            timer_.acknowledge();
            ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        } else {
            const bool readable = (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
            const bool writable = (event.events & EPOLLOUT) != 0;
            ::ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
        }
    }

    /// Rings for c-ares's next time-out, or at once if the answer is there.
    void set_timer() {
        if (std::exchange(answered_, false)) {
            answer_ = status_ == ARES_SUCCESS && list_ ? endpoints_of(*list_, port_) : Resolved(refuse_status(status_));
            done_ = true;
            return timer_.set(now().boot);
        }
        timeval wait{};
        if (done_ || ::ares_timeout(channel_, nullptr, &wait) == nullptr) return timer_.set(std::nullopt);
        timer_.set(now().boot + std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
    }

    AresLibrary library_;
    Port port_;
    Mark mark_;
    Means means_;
    UniqueFd poll_;
    BootTimer timer_;
    ares_channel channel_ = nullptr;
    int status_ = ARES_SUCCESS;
    Addresses list_;
    bool answered_ = false; ///< and not yet looked at
    bool done_ = false;
    std::optional<Resolved> answer_;
};

MarkedLookup::MarkedLookup(const std::string& host, Port port, const std::vector<Resolver>& servers, Mark mark,
                           SocketStock* stock)
    : state_(std::make_unique<State>(host, port, servers, mark, stock)) {}
MarkedLookup::MarkedLookup(MarkedLookup&&) noexcept = default;
MarkedLookup& MarkedLookup::operator=(MarkedLookup&&) noexcept = default;
MarkedLookup::~MarkedLookup() = default;

int MarkedLookup::fd() const { return state_->fd(); }
std::optional<Resolved> MarkedLookup::handle_events() { return state_->handle_events(); }

} // namespace vpn::system
