#include "vpn-client/doctor/question.hpp"

#include "common/crypto/system_random.hpp"
#include "common/system/clocks.hpp"
#include "common/system/socket_address.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-client/dns_question.hpp"
#include "vpn-client/icmp_echo.hpp"

#include <poll.h>

#include <algorithm>

namespace vpn::client::checks {
namespace {

using namespace std::chrono_literals;

constexpr Duration again_after = 300ms;
constexpr Port dns_port{53};
constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;

/// One question on a socket of its own.
class Question {
  public:
    Question(const IpAddress& whom, bool dns, const std::string& interface, std::size_t size, std::uint16_t identifier)
        : whom_(whom), dns_(dns), size_(size), identifier_(identifier) {
        const int icmp = whom.is_v4() ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
        fd_ = system::UniqueFd(::socket(system::address_family(whom.family()),
                                        (dns ? SOCK_DGRAM : SOCK_RAW) | SOCK_NONBLOCK | SOCK_CLOEXEC, dns ? 0 : icmp));
        const auto length = static_cast<socklen_t>(interface.size());

        system::SocketAddress address{};
        const socklen_t used = system::write_socket_address({whom, dns ? dns_port : Port{}, 0}, address);
        const bool tied = fd_ && ::setsockopt(fd_.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), length) == 0;
        if (!tied || ::connect(fd_.get(), &address.any, used) != 0) fd_.reset();
    }

    [[nodiscard]] int fd() const { return fd_.get(); }

    void send() {
        if (!fd_) return;
        ByteVector message = dns_ ? encode_dns_question(identifier_) : encode_echo_request(whom_.family(), {identifier_, 1});
        // Zeros behind it: the checksum stays what it was.
        const std::size_t header = whom_.is_v4() ? ipv4_header : ipv6_header;
        if (size_ > header + message.size()) message.resize(size_ - header);
        static_cast<void>(::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL));
    }

    /// Takes what is there. True once it was the answer.
    [[nodiscard]] bool read() {
        ByteVector buffer(65536);
        for (;;) {
            const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
            if (got < 0) return false;
            if (is_answer(Bytes(buffer).first(static_cast<std::size_t>(got)))) return true;
        }
    }

  private:
    [[nodiscard]] bool is_answer(Bytes message) const {
        if (dns_) return is_dns_answer(message, identifier_);
        const auto echo = decode_echo_reply(whom_.family(), whom_.is_v4() ? without_ipv4_header(message) : message);
        return echo && echo->identifier == identifier_;
    }

    IpAddress whom_;
    bool dns_;
    std::size_t size_;
    std::uint16_t identifier_;
    system::UniqueFd fd_;
};

int milliseconds_until(Boot moment) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - system::now().boot).count();
    return static_cast<int>(std::max<long long>(left, 0));
}

/// `answered` is called with the index of each who answers, once. Returns when all have, or the limit has passed.
template <class Answered> void wait_for_answers(std::vector<Question>& questions, Duration limit, Answered answered) {
    std::vector<pollfd> waiting;
    waiting.reserve(questions.size());
    for (const Question& question : questions) waiting.push_back({question.fd(), POLLIN, 0}); // poll passes over -1
    const Boot end = system::now().boot + limit;
    for (Boot now = system::now().boot; now < end; now = system::now().boot) {
        for (std::size_t i = 0; i < questions.size(); ++i)
            if (waiting[i].fd >= 0) questions[i].send();
        const Boot again = std::min(end, now + again_after);
        while (std::ranges::any_of(waiting, [](const pollfd& each) { return each.fd >= 0; })) {
            if (::poll(waiting.data(), waiting.size(), milliseconds_until(again)) <= 0) break;
            for (std::size_t i = 0; i < questions.size(); ++i) {
                if (waiting[i].fd < 0 || waiting[i].revents == 0 || !questions[i].read()) continue;
                waiting[i].fd = -1;
                answered(i);
            }
        }
        if (std::ranges::none_of(waiting, [](const pollfd& each) { return each.fd >= 0; })) return;
    }
}

std::uint16_t random_identifier() {
    crypto::SystemRandom random;
    return static_cast<std::uint16_t>(random.next_u32());
}

} // namespace

void ask(std::vector<Asked>& all, const std::string& interface, Duration limit) {
    std::vector<Question> questions;
    questions.reserve(all.size());
    for (const Asked& each : all) questions.emplace_back(each.address, each.dns, interface, 0, random_identifier());
    wait_for_answers(questions, limit, [&all](std::size_t index) { all[index].answered = true; });
}

bool ping_passes(const IpAddress& address, const std::string& interface, std::size_t size, Duration limit) {
    bool passed = false;
    std::vector<Question> questions;
    questions.emplace_back(address, false, interface, size, random_identifier());
    wait_for_answers(questions, limit, [&passed](std::size_t) { passed = true; });
    return passed;
}

} // namespace vpn::client::checks
