#include "vpn-client/probe.hpp"

#include "common/crypto/system_random.hpp"
#include "common/system/os_error.hpp"
#include "common/system/socket_address.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-client/dns_question.hpp"
#include "vpn-client/icmp_echo.hpp"

#include <linux/icmp.h>
#include <netinet/icmp6.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using system::OsResult;
using system::UniqueFd;

constexpr Duration longest_wait = 1s;
constexpr Port dns_port{53};

enum class Kind : std::uint8_t { raw_echo, ping_echo, dns };

/// One whom we ask, on a socket that hears him alone.
struct Target {
    UniqueFd fd;
    Kind kind;
    IpAddress address;
    bool answered = false;

    [[nodiscard]] bool is_dns() const { return kind == Kind::dns; }
    [[nodiscard]] Family family() const { return address.family(); }
};

OsResult<UniqueFd> tied_to(UniqueFd fd, const std::string& interface, const Endpoint& target) {
    const std::string what = "cannot ask " + target.address.to_string() + " through " + interface;
    if (!fd) return system::os_failed(what, errno);
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), static_cast<socklen_t>(interface.size())) != 0)
        return system::os_failed(what, errno);
    system::SocketAddress address{};
    const socklen_t length = system::write_socket_address(target, address);
    if (::connect(fd.get(), &address.any, length) != 0) return system::os_failed(what, errno);
    return fd;
}

UniqueFd socket_for(Family family, int type, int protocol) {
    return UniqueFd(::socket(system::address_family(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

/// Only answers come through: a raw socket hears all ICMP else.
void filter_replies(const UniqueFd& fd, Family family) {
    if (family == Family::v4) {
        icmp_filter filter{~(1U << ICMP_ECHOREPLY)};
        ::setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
        return;
    }
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    ::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
}

/// Raw if we may, else the unprivileged kind, if the machine allows that to us.
OsResult<Target> echo_target(const std::string& interface, const IpAddress& address) {
    const Family family = address.family();
    const int protocol = family == Family::v4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
    UniqueFd raw = socket_for(family, SOCK_RAW, protocol);
    const Kind kind = raw ? Kind::raw_echo : Kind::ping_echo;
    if (raw) filter_replies(raw, family);
    auto fd = tied_to(raw ? std::move(raw) : socket_for(family, SOCK_DGRAM, protocol), interface, {address, Port{}, 0});
    if (!fd) return tl::unexpected(fd.error());
    return Target{std::move(*fd), kind, address};
}

OsResult<Target> dns_target(const std::string& interface, const IpAddress& address) {
    auto fd = tied_to(socket_for(address.family(), SOCK_DGRAM, 0), interface, {address, dns_port, 0});
    if (!fd) return tl::unexpected(fd.error());
    return Target{std::move(*fd), Kind::dns, address};
}

} // namespace

struct Probe::Asking {
    Asking(boost::asio::io_context& the_loop, bool both_kinds, std::function<void()> the_answered, Duration first_wait)
        : loop(the_loop), both(both_kinds), answered(std::move(the_answered)), identifier(random_identifier()), wait(first_wait),
          again(the_loop, [this] { ask(); }) {}

    static std::uint16_t random_identifier() {
        crypto::SystemRandom random;
        return static_cast<std::uint16_t>(random.next_u32());
    }

    void add(Target target) {
        const std::size_t index = targets.size();
        watches.emplace_back(loop, target.fd.get(), [this, index] { read(targets[index]); });
        targets.push_back(std::move(target));
    }

    void ask() {
        ++sequence;
        asked_at = system::now().boot;
        for (const Target& target : targets) {
            if (target.answered) continue;
            const ByteVector question =
                target.is_dns() ? encode_dns_question(identifier) : encode_echo_request(target.family(), {identifier, sequence});
            static_cast<void>(::send(target.fd.get(), question.data(), question.size(), MSG_NOSIGNAL));
        }
        again.set_in(std::exchange(wait, std::min(wait * 3 / 2, longest_wait)));
    }

    void read(Target& target) {
        ByteArray<2048> buffer;
        const ssize_t got = ::recv(target.fd.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0 || !is_answer(target, Bytes(buffer).first(static_cast<std::size_t>(got)))) return;
        target.answered = true;
        if (!round_trip) round_trip = system::now().boot - asked_at;
        if (!enough()) return;
        again.clear();
        if (const auto tell = std::exchange(answered, nullptr)) tell();
    }

    [[nodiscard]] bool enough() const {
        const auto any = [this](bool dns) {
            return std::ranges::any_of(targets,
                                       [dns](const Target& target) { return target.answered && target.is_dns() == dns; });
        };
        return both ? any(true) && any(false) : any(true) || any(false);
    }

    [[nodiscard]] std::string names(bool that_answered) const {
        std::string text;
        for (const Target& target : targets) {
            if (target.answered != that_answered) continue;
            text += (text.empty() ? "" : ", ") + target.address.to_string() + (target.is_dns() ? " (DNS)" : " (ping)");
        }
        return text;
    }

    [[nodiscard]] bool is_answer(const Target& target, Bytes message) const {
        if (target.is_dns()) return is_dns_answer(message, identifier);
        if (target.kind == Kind::raw_echo && target.family() == Family::v4) message = without_ipv4_header(message);
        const auto echo = decode_echo_reply(target.family(), message);
        if (!echo || echo->sequence == 0 || echo->sequence > sequence) return false;
        return target.kind == Kind::ping_echo || echo->identifier == identifier; // the kernel chose a ping socket's
    }

    boost::asio::io_context& loop;
    bool both;
    std::function<void()> answered;
    std::uint16_t identifier;
    std::uint16_t sequence = 0;
    Duration wait;
    Boot asked_at{};
    std::optional<Duration> round_trip; ///< of the first who answered
    std::vector<Target> targets;
    std::vector<Watch> watches;
    Alarm again;
};

Probe::Probe(std::unique_ptr<Asking> asking) : asking_(std::move(asking)) {}
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;
Probe::~Probe() = default;

unsigned Probe::questions() const { return asking_->sequence; }
Duration Probe::round_trip() const { return asking_->round_trip.value_or(Duration::zero()); }
std::string Probe::heard() const { return asking_->names(true); }
std::string Probe::missing() const { return asking_->names(false); }

Result<Probe> Probe::start(boost::asio::io_context& loop, const std::string& interface, const ProbeTargets& targets,
                           std::function<void()> answered, Duration first_wait) {
    std::unique_ptr<Asking> asking;
    try {
        asking = std::make_unique<Asking>(loop, targets.both, std::move(answered), first_wait);
    } catch (const std::system_error& error) {
        return failed(error.what()); // no descriptor is left for a timer: a tunnel that stands goes on without the answer
    }
    std::string trouble = "there is nobody to ask";
    const auto add = [&](OsResult<Target> target) {
        if (target)
            asking->add(std::move(*target));
        else
            trouble = target.error().message;
    };
    for (const IpAddress& address : targets.echo) add(echo_target(interface, address));
    for (const IpAddress& address : targets.dns) add(dns_target(interface, address));
    if (asking->targets.empty()) return failed(trouble);
    const auto asked = [&asking](bool dns) {
        return std::ranges::any_of(asking->targets, [dns](const Target& t) { return t.is_dns() == dns; });
    };
    asking->both = targets.both && asked(true) && asked(false);
    asking->ask();
    return Probe(std::move(asking));
}

} // namespace vpn::client
