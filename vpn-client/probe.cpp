#include "vpn-client/probe.hpp"

#include "common/crypto/system_random.hpp"
#include "common/system/socket_address.hpp"
#include "vpn-client/dns_question.hpp"
#include "vpn-client/icmp_echo.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_wait = 1s;
constexpr Port dns_port{53};

/// One whom we ask.
struct Target {
    Asked how;
    IpAddress address;
    bool answered = false;
    int error = 0; ///< what kept the last question from going out

    [[nodiscard]] bool is_dns() const { return how == Asked::by_dns; }
    [[nodiscard]] Endpoint endpoint() const { return {address, is_dns() ? dns_port : Port{}, 0}; }
};

/// What all whom we ask in one way answer on, as long as this is there.
class Line {
  public:
    Line(boost::asio::io_context& loop, const InsideSocket& socket, Asked the_how, Family the_family,
         std::function<void(Line&)> readable)
        : how(the_how), family(the_family), socket_(socket),
          watch_(loop, fd(), [this, call = std::move(readable)] { call(*this); }) {
        listen_to(socket);
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() { grow_deaf(socket_); }

    [[nodiscard]] bool is_ping() const { return socket_.is_ping; }

    void send(Target& target, const ByteVector& question) const {
        system::SocketAddress address{};
        const socklen_t length = system::write_socket_address(target.endpoint(), address);
        const ssize_t sent = ::sendto(fd(), question.data(), question.size(), MSG_NOSIGNAL, &address.any, length);
        target.error = sent < 0 ? errno : 0;
    }

    /// What came, into `buffer`, and from whom; none if there is nothing after all.
    std::optional<std::pair<Endpoint, Bytes>> receive(MutableBytes buffer) const {
        system::SocketAddress address{};
        socklen_t length = sizeof address;
        const ssize_t got = ::recvfrom(fd(), buffer.data(), buffer.size(), 0, &address.any, &length);
        const auto from = got > 0 ? system::to_endpoint(address) : std::nullopt;
        if (!from) return std::nullopt;
        const Bytes message = Bytes(buffer).first(static_cast<std::size_t>(got));
        const bool has_header = how == Asked::by_echo && !is_ping() && family == Family::v4;
        return std::pair(*from, has_header ? without_ipv4_header(message) : message);
    }

    const Asked how;
    const Family family;

  private:
    [[nodiscard]] int fd() const { return socket_.fd->get(); }

    const InsideSocket& socket_;
    Watch watch_;
};

/// The interface has no address of his family, or nothing leads to him.
bool has_no_way(const Target& target) {
    return target.error == ENETUNREACH || target.error == EHOSTUNREACH || target.error == EADDRNOTAVAIL;
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

    /// Errors: what keeps us from asking him.
    system::OsResult<void> add(const InsideSockets& sockets, Asked how, const IpAddress& address) {
        const InsideSocket& socket = sockets.of(how, address.family());
        if (!socket.fd) return tl::unexpected(socket.fd.error());
        if (line_to(how, address.family()) == nullptr)
            lines.emplace_back(loop, socket, how, address.family(), [this](Line& line) { read(line); });
        targets.push_back({how, address});
        return {};
    }

    [[nodiscard]] const Line* line_to(Asked how, Family family) const {
        const auto line = std::ranges::find_if(lines, [&](const Line& each) { return each.how == how && each.family == family; });
        return line == lines.end() ? nullptr : &*line;
    }

    void ask() {
        ++sequence;
        asked_at = system::now().boot;
        for (Target& target : targets) {
            if (target.answered) continue;
            const Family family = target.address.family();
            line_to(target.how, family)
                ->send(target,
                       target.is_dns() ? encode_dns_question(identifier) : encode_echo_request(family, {identifier, sequence}));
        }
        again.set_in(std::exchange(wait, std::min(wait * 3 / 2, longest_wait)));
    }

    void read(Line& line) {
        ByteArray<2048> buffer;
        const auto message = line.receive(buffer);
        if (!message || !is_answer(line, message->second)) return;
        for (Target& target : targets)
            if (target.how == line.how && target.endpoint().address == message->first.address) note_answer(target);
        if (!enough()) return;
        again.clear();
        if (const auto tell = std::exchange(answered, nullptr)) tell();
    }

    void note_answer(Target& target) {
        target.answered = true;
        if (!round_trip) round_trip = system::now().boot - asked_at;
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

    [[nodiscard]] bool is_answer(const Line& line, Bytes message) const {
        if (line.how == Asked::by_dns) return is_dns_answer(message, identifier);
        const auto echo = decode_echo_reply(line.family, message);
        if (!echo || echo->sequence == 0 || echo->sequence > sequence) return false;
        return line.is_ping() || echo->identifier == identifier; // the kernel chose a ping socket's
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
    std::list<Line> lines; ///< one for each way and family, as they are needed
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

Result<Probe> Probe::start(boost::asio::io_context& loop, const InsideSockets& sockets, const ProbeTargets& targets,
                           std::function<void()> answered, Duration first_wait) {
    std::unique_ptr<Asking> asking;
    std::string trouble = "there is nobody to ask";
    const auto add = [&](Asked how, const IpAddress& address) {
        if (const auto added = asking->add(sockets, how, address); !added) trouble = added.error().message;
    };
    try {
        asking = std::make_unique<Asking>(loop, targets.both, std::move(answered), first_wait);
        for (const IpAddress& address : targets.echo) add(Asked::by_echo, address);
        for (const IpAddress& address : targets.dns) add(Asked::by_dns, address);
    } catch (const std::system_error& error) {
        return failed(error.what()); // no descriptor is left to wait with: a tunnel that stands goes on without the answer
    }
    asking->ask();
    std::erase_if(asking->targets, [&trouble](const Target& target) {
        if (has_no_way(target)) trouble = "cannot ask " + target.address.to_string() + ": " + system::errno_text(target.error);
        return has_no_way(target);
    });
    if (asking->targets.empty()) return failed(trouble);
    const auto asked = [&asking](bool dns) {
        return std::ranges::any_of(asking->targets, [dns](const Target& target) { return target.is_dns() == dns; });
    };
    asking->both = targets.both && asked(true) && asked(false);
    return Probe(std::move(asking));
}

} // namespace vpn::client
