// Switches and tables of the kernel: changed, and put back.
#include "common/system/clocks.hpp"
#include "common/system/nftables.hpp"
#include "common/system/sysctl.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>
#include <fstream>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;
using test::Inside;
using test::NetNamespace;
using test::shell;

TEST_CASE("a switch is read, set and put back, for interfaces with dots in their names too") {
    const NetNamespace net;
    const Inside inside(net);
    CHECK(shell("ip link add eth0.100 type veth peer name far0") == "");
    const std::string path = "net/ipv4/conf/eth0.100/forwarding";
    CHECK(read_sysctl(path) == "0");
    {
        auto forwarding = ScopedSysctl::set(path, "1");
        REQUIRE(forwarding.has_value());
        CHECK(forwarding->before() == "0");
        CHECK(shell("cat /proc/sys/" + path) == "1\n");
        const ScopedSysctl moved = std::move(*forwarding);
        CHECK(read_sysctl(path) == "1");
    }
    CHECK(read_sysctl(path) == "0");
    {
        const auto same = ScopedSysctl::set(path, "0");
        REQUIRE(same.has_value());
        CHECK(same->before().empty());
        CHECK(write_sysctl(path, "1").has_value()); // somebody else's change stays
    }
    CHECK(read_sysctl(path) == "1");
    { const ScopedSysctl adopted = ScopedSysctl::adopt(path, "0"); }
    CHECK(read_sysctl(path) == "0");
}

TEST_CASE("switches that are not there, or take no such value, say so") {
    const NetNamespace net;
    const Inside inside(net);
    CHECK(is_errno(read_sysctl("net/ipv4/conf/none/forwarding").error(), ENOENT));
    CHECK(is_errno(ScopedSysctl::set("net/ipv4/conf/none/forwarding", "1").error(), ENOENT));
    const auto refused = write_sysctl("net/ipv4/ip_forward", "maybe");
    REQUIRE_FALSE(refused.has_value());
    CHECK(is_errno(refused.error(), EINVAL));
    CHECK(refused.error().message.find("/proc/sys/net/ipv4/ip_forward") != std::string::npos);
}

TEST_CASE("a buffer of nft commands is done whole or not at all") {
    const NetNamespace net;
    const Inside inside(net);
    auto nft = Nftables::open().value();
    CHECK(nft.apply("table inet one { chain c { type filter hook input priority 0; policy accept; tcp dport 22 accept; }; }")
              .has_value());
    const std::string before = shell("nft list ruleset");
    CHECK(before.find("tcp dport 22 accept") != std::string::npos);
    CHECK(nft.list("list ruleset") == before);

    // The second command fails in the kernel, not in the parser.
    const auto half = nft.apply("add table inet two\nadd rule inet one nowhere accept\n");
    REQUIRE_FALSE(half.has_value());
    CHECK(half.error().message.find("No such file or directory") != std::string::npos);
    CHECK(shell("nft list ruleset") == before);

    const auto nonsense = nft.apply("add table inet two\nadd add table\n");
    REQUIRE_FALSE(nonsense.has_value());
    CHECK_MESSAGE(nonsense.error().message.find("syntax error") != std::string::npos, nonsense.error().message);
    CHECK(nonsense.error().message.find('\n') == std::string::npos);
    CHECK(shell("nft list ruleset") == before);
    CHECK(nft.apply("delete table inet one").has_value());
    CHECK(shell("nft list ruleset").empty());
}

TEST_CASE("a table replaces what a crash left of it, and goes with its guard") {
    const NetNamespace net;
    const Inside inside(net);
    CHECK(shell("nft add table inet vpn; nft add chain inet vpn leftover; nft add table inet theirs") == "");
    const std::string commands = "add table inet vpn\ndelete table inet vpn\ntable inet vpn { chain ours { }; }\n";
    auto nft = Nftables::open().value();
    {
        auto table = ScopedTable::apply(nft, "inet", "vpn", commands);
        REQUIRE(table.has_value());
        const std::string shown = shell("nft list table inet vpn");
        CHECK(shown.find("chain ours") != std::string::npos);
        CHECK(shown.find("leftover") == std::string::npos);
        const ScopedTable moved = std::move(*table);
        CHECK(shell("nft list tables").find("inet vpn") != std::string::npos);
    }
    CHECK(shell("nft list tables") == "table inet theirs\n");
    {
        auto table = ScopedTable::apply(nft, "inet", "vpn", commands).value();
        table.release();
    }
    CHECK(shell("nft list tables").find("inet vpn") != std::string::npos);
    auto adopted = ScopedTable::adopt(nft, "inet", "vpn");
    CHECK(shell("nft delete table inet vpn") == "");
    CHECK(adopted.revert().has_value()); // gone already
    CHECK(shell("nft list tables") == "table inet theirs\n");
    CHECK_FALSE(ScopedTable::apply(nft, "inet", "vpn", "table inet vpn { nonsense }").has_value());
    CHECK(shell("nft list tables") == "table inet theirs\n");
}

TEST_CASE("many elements go into one table at once") {
    const NetNamespace net;
    const Inside inside(net);
    auto nft = Nftables::open().value();
    std::string commands = "table inet vpn { set s { type ipv4_addr; elements = { 10.0.0.0";
    for (int i = 1; i < 2000; ++i) commands += ", 10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    CHECK(nft.apply(commands + " }; }; }").has_value());
    CHECK(nft.list("list set inet vpn s").value().find("10.0.7.207") != std::string::npos);
}

TEST_CASE("both clocks are read: the one that never stops and the calendar's") {
    const Now first = now();
    std::ifstream uptime("/proc/uptime"); // CLOCK_BOOTTIME too
    double seconds = 0;
    uptime >> seconds;
    const Now second = now();
    CHECK(first.boot.time_since_epoch() <= std::chrono::duration<double>(seconds + 0.011));
    CHECK(second.boot.time_since_epoch() >= std::chrono::duration<double>(seconds));
    CHECK(second.boot >= first.boot);
    CHECK(first.wall.time_since_epoch() > 24h * 365 * 50);
}

TEST_CASE("a timer fires when its deadline has passed, at once if it had, and not once disarmed") {
    BootTimer timer;
    pollfd watched{timer.fd(), POLLIN, 0};
    const auto fired_within = [&watched](int milliseconds) { return ::poll(&watched, 1, milliseconds) == 1; };
    CHECK_FALSE(fired_within(0));
    CHECK_FALSE(timer.acknowledge());

    for (const Boot past : {now().boot - 1s, Boot(0ns), Boot(-5s)}) {
        timer.set(past);
        CHECK(fired_within(0));
        CHECK(timer.acknowledge());
        CHECK_FALSE(timer.acknowledge());
    }
    const Boot soon = now().boot + 10ms;
    timer.set(soon);
    CHECK(fired_within(10'000));
    CHECK(now().boot >= soon);
    timer.set(now().boot - 1s);
    timer.set(std::nullopt);
    CHECK_FALSE(fired_within(0));
    timer.set(now().boot + 1h);
    timer.set(now().boot - 1h); // the last word counts
    CHECK(fired_within(0));
}
