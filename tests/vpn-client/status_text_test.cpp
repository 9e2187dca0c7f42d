#include "vpn-client/status_text.hpp"

#include "tests/vpn-client/report_samples.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("the verdict comes first, with its reason") {
    const std::string text = status_text(connected_laptop(), {}, false);
    CHECK(text.starts_with("laptop: connected, the server answered a handshake 12 seconds ago\n"));
    Report broken = connected_laptop();
    broken.state = State::broken;
    broken.because = "the server does not answer";
    CHECK(status_text(broken, {}, false).starts_with("laptop: no working tunnel, the server does not answer\n"));
}

TEST_CASE("a captive portal is named below the verdict, with its remedy") {
    Report kept_out = connected_laptop();
    CHECK_FALSE(has(status_text(kept_out, {}, false), "portal"));
    kept_out.portal = "login.hotel.example";
    CHECK(has(status_text(kept_out, {}, false), "\n  portal      login.hotel.example keeps this machine out"));
    CHECK(has(status_text(kept_out, {}, false), "vpn-client pause 5m"));
    kept_out.portal = "";
    CHECK(has(status_text(kept_out, {}, false), "a captive portal keeps this machine out"));
    kept_out.portal = "a\x1b[2J";
    CHECK_FALSE(has(status_text(kept_out, {}, false), "\x1b"));
}

TEST_CASE("while a hook runs that one is told; without a tunnel there is nothing more to tell but the lock") {
    Report bare;
    bare.name = "laptop";
    bare.state = State::ending;
    bare.hook = "PostDown at line 4";
    bare.because = "PostDown at line 4 runs";
    CHECK(status_text(bare, {}, false) == "laptop: ending, PostDown at line 4 runs\n  lock        off\n");
}

TEST_CASE("then the facts, in words") {
    const std::string text = status_text(connected_laptop(), {ByteCount{125'000}, ByteCount{0}, 1s}, false);
    CHECK(has(text, "vps (AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=)"));
    CHECK(has(text, "198.51.100.10:51820"));
    CHECK(has(text, "wireguard, with a preshared key"));
    CHECK(has(text, "12 seconds ago"));
    CHECK(has(text, "1.2 MiB received, 812 B sent"));
    CHECK(has(text, "1.0 Mbit/s received, 0 bit/s sent; at most 10 Mbit/s and 1.0 Mbit/s\n"));
    CHECK(has(text, "23 ms, loss 3 %\n"));
    CHECK(has(text, "MTU 1420 (found by probing: the way carries 1500), in a namespace of its own for one program\n"));
    CHECK(has(text, "10.66.0.2/32, fd66::2/128"));
    CHECK(has(text, "0.0.0.0/0, ::/0 (full tunnel)"));
    CHECK(has(text, "9.9.9.9 by systemd-resolved\n"));
    CHECK(text.back() == '\n');
}

TEST_CASE("a suite that is slow on this machine is said to be, with why another may be better and what it lacks") {
    Report report = connected_laptop();
    CHECK_FALSE(has(status_text(report, {}, false), "slow"));
    report.peers.front().suite = "hybrid";
    report.peers.front().suite_is_slow = true;
    CHECK(has(status_text(report, {}, false),
              "hybrid, with a preshared key (slow: this machine has no AES instructions; suite wireguard "
              "is faster, without protection from quantum computers)\n"));
}

TEST_CASE("who answers for names is told with his limits") {
    Report split = connected_laptop();
    split.dns = {{"10.66.0.53"}, {"corp.example"}, {"lab.example"}, false, "systemd-resolved", true};
    CHECK(has(status_text(split, {}, false), "10.66.0.53 by systemd-resolved, for names in corp.example, lab.example\n"));
    split.dns.applied = false;
    CHECK(has(status_text(split, {}, false), "not during the pause"));
    split.pause_left.reset();
    CHECK(has(status_text(split, {}, false), "not in force"));
    split.dns = {};
    CHECK_FALSE(has(status_text(split, {}, false), "dns"));
}

TEST_CASE("only a terminal sees colours") {
    CHECK_FALSE(has(status_text(connected_laptop(), {}, false), "\x1b"));
    CHECK(has(status_text(connected_laptop(), {}, true), "\x1b[32mconnected\x1b[0m"));
}

TEST_CASE("a peer's name can't move the cursor") {
    Report report = connected_laptop();
    report.peers.front().name = "\x1b[2J";
    CHECK_FALSE(has(status_text(report, {}, false), "\x1b"));
}

TEST_CASE("long lists are cut short") {
    Report report = connected_laptop();
    report.routes.assign(500, "10.0.0.0/24");
    const std::string text = status_text(report, {}, false);
    CHECK(has(text, "and 492 more"));
    CHECK(text.size() < 2000);
}

TEST_CASE("the rate is what passed between two looks") {
    const Report earlier = connected_laptop();
    Report later = earlier;
    later.uptime += 2s;
    later.peers.front().received.value += 1000;
    later.peers.front().sent.value += 500;
    const Traffic traffic = traffic_between(earlier, later);
    CHECK(traffic.received == ByteCount{1000});
    CHECK(traffic.sent == ByteCount{500});
    CHECK(traffic.over == 2s);
}

TEST_CASE("another process, or a counter that began anew, has no rate yet") {
    const Report earlier = connected_laptop();
    Report later = earlier;
    later.uptime += 1s;
    later.peers.front().received = ByteCount{1};
    CHECK(traffic_between(earlier, later).received == ByteCount{0});
    later.process += 1;
    CHECK(traffic_between(earlier, later).over == 0s);
    CHECK(traffic_between(later, earlier).over == 0s);
}

TEST_CASE("the graph shows each look as a bar, the highest as a whole one, and nothing as none") {
    const auto look = [](std::uint64_t received, std::uint64_t sent) {
        return Traffic{ByteCount{received}, ByteCount{sent}, 1s};
    };
    const std::string text = rate_graph({look(0, 0), look(1, 0), look(500, 0), look(1000, 0)});
    CHECK(has(text, " ▁▄█  at most 8.0 kbit/s\n"));
    CHECK(has(text, "sent              at most 0 bit/s\n"));
    CHECK(std::ranges::count(text, '\n') == 2);
}

TEST_CASE("a look that took no time is no bar") {
    CHECK(has(rate_graph({Traffic{ByteCount{500}, ByteCount{0}, 0s}}), "at most 0 bit/s"));
}
