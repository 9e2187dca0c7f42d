// A server of the test's own on the loopback of a network of its own, which answers as badly as it can.
#include "vpn-client/portal/check.hpp"

#include "common/system/unique_fd.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;
using system::UniqueFd;
using Kind = WayOut::Kind;

namespace {

constexpr Duration plenty = 60s;
constexpr Duration little = 300ms;

/// Serves one visitor, in the namespace where it is made.
class Site {
  public:
    explicit Site(std::function<void(int)> serve) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
        REQUIRE(::listen(listener_.get(), 8) == 0);
        REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, work = std::move(serve)] {
            const UniqueFd visitor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (visitor) work(visitor.get());
        });
    }
    ~Site() {
        ::shutdown(listener_.get(), SHUT_RDWR); // whoever still waits for a visitor stops
        thread_.join();
    }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    [[nodiscard]] PortalQuestion question(Duration limit) const {
        return {*config::HttpUrl::parse("http://127.0.0.1:" + std::to_string(port_) + "/x"), {}, Mark{}, limit};
    }

  private:
    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

bool say(int visitor, std::string_view text) { return ::send(visitor, text.data(), text.size(), MSG_NOSIGNAL) > 0; }

std::string heard(int visitor) {
    std::string text(4096, '\0');
    const ssize_t got = ::recv(visitor, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

/// Until the visitor has gone.
void stay_silent(int visitor) {
    pollfd gone{visitor, POLLRDHUP, 0};
    ::poll(&gone, 1, -1);
}

} // namespace

TEST_CASE("a portal is found by its redirect, in one question") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    std::string question;
    WayOut seen;
    {
        const Site site([&question](int visitor) {
            question = heard(visitor);
            say(visitor, "HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\n\r\n");
        });
        seen = ask_for_way_out(site.question(plenty));
    }
    CHECK(seen == WayOut{Kind::portal, "login.hotel.example"});
    CHECK(question.starts_with("GET /x HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST_CASE("who never stops talking is not listened to: what he said first counts") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    const Site page([](int visitor) {
        const std::string much(65536, 'x');
        if (say(visitor, "HTTP/1.1 200 OK\r\n\r\n"))
            while (say(visitor, much)) {
            }
    });
    CHECK(ask_for_way_out(page.question(plenty)).kind == Kind::portal);
    const Site noise([](int visitor) {
        const std::string much(65536, 'x');
        while (say(visitor, much)) {
        }
    });
    CHECK(ask_for_way_out(noise.question(plenty)).kind == Kind::unknown);
}

TEST_CASE("who answers by single bytes for ever, says nothing, or hangs up, ends with the limit") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    const Site slow([](int visitor) {
        while (say(visitor, "H")) std::this_thread::sleep_for(10ms);
    });
    CHECK(ask_for_way_out(slow.question(little)).kind == Kind::unknown);
    const Site silent(stay_silent);
    CHECK(ask_for_way_out(silent.question(little)).kind == Kind::unknown);
    const Site short_spoken([](int) {});
    CHECK(ask_for_way_out(short_spoken.question(plenty)).kind == Kind::unknown);
}

TEST_CASE("where nobody listens, nobody can be reached, and names are not known, nothing is known") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    const auto ask = [](const char* url, std::vector<IpAddress> addresses) {
        return ask_for_way_out({*config::HttpUrl::parse(url), std::move(addresses), Mark{}, plenty}).kind;
    };
    CHECK(ask("http://127.0.0.1:9/", {}) == Kind::unknown);
    CHECK(ask("http://192.0.2.1/", {}) == Kind::unknown);
    CHECK(ask("http://nobody.example/", {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")}) == Kind::unknown);
}

TEST_CASE("of several addresses a later one may answer") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    const Site site([](int visitor) {
        heard(visitor);
        say(visitor, "HTTP/1.1 204 No Content\r\n\r\n");
    });
    PortalQuestion question = site.question(plenty);
    question.url.server.host = "check.example";
    question.addresses = {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("127.0.0.1")};
    CHECK(ask_for_way_out(question).kind == Kind::open);
}

TEST_CASE("a check under way tells when it is done, and may be given up") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    const Site site([](int visitor) {
        heard(visitor);
        say(visitor, "HTTP/1.1 511 x\r\n\r\n");
    });
    PortalCheck check(site.question(plenty));
    pollfd done{check.fd(), POLLIN, 0};
    REQUIRE(::poll(&done, 1, -1) == 1);
    CHECK(check.take() == WayOut{Kind::portal, ""});
    const Site other(stay_silent);
    { const PortalCheck given_up(other.question(little)); }
}
