// EXPERIENCE "How it behaves", the lock: who opens it is noticed, whoever it is.
#include "common/system/nftables.hpp"
#include "common/system/nftables_monitor.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace vpn;
using system::Nftables;
using system::NftablesMonitor;
using test::Inside;
using test::NetNamespace;
using test::shell;
using Tables = std::vector<std::string>;

namespace {

constexpr std::string_view two_tables =
    "table inet ours { set open { type nf_proto; flags timeout; }; chain output { type filter hook "
    "output priority 0; policy accept; counter drop; }; }\n"
    "table ip others { chain input { tcp dport 9 drop; }; }\n";

} // namespace

TEST_CASE("tables that somebody makes, changes and removes are named, and nothing else is") {
    const NetNamespace net;
    const Inside inside(net);
    auto nftables = Nftables::open().value();
    auto monitor = NftablesMonitor::open().value();
    CHECK(monitor.read() == NftablesMonitor::Changes{});
    REQUIRE(nftables.apply(two_tables));
    pollfd watched{monitor.fd(), POLLIN, 0};
    CHECK(::poll(&watched, 1, 0) == 1);
    CHECK(monitor.read().tables == Tables{"ours", "others"});

    CHECK(shell("nft insert rule inet ours output accept") == "");
    CHECK(monitor.read().tables == Tables{"ours"});
    CHECK(shell("nft flush chain ip others input") == "");
    CHECK(monitor.read().tables == Tables{"others"});
    CHECK(shell("nft add element inet ours open '{ ipv4 timeout 1h }'; nft list ruleset >/dev/null") == "");
    CHECK(monitor.read() == NftablesMonitor::Changes{});
    CHECK(shell("nft flush ruleset") == "");
    const Tables flushed = monitor.read().tables;
    CHECK(std::ranges::find(flushed, "ours") != flushed.end());
    CHECK(std::ranges::find(flushed, "others") != flushed.end());
}

TEST_CASE("more than can be kept for us is said to be lost") {
    const NetNamespace net;
    const Inside inside(net);
    auto nftables = Nftables::open().value();
    auto monitor = NftablesMonitor::open().value();
    std::string many = "table inet ours { chain c {\n";
    for (int i = 0; i < 20'000; ++i) many += "tcp dport 9 drop\n";
    REQUIRE(nftables.apply(many + "}; }\n"));
    const auto changes = monitor.read();
    CHECK((changes.lost || changes.tables == Tables{"ours"}));
}

TEST_CASE("a table's shape is what somebody made it, and not what passed through it") {
    const NetNamespace net;
    const Inside inside(net);
    auto nftables = Nftables::open().value();
    REQUIRE(nftables.apply(two_tables));
    const std::string made = nftables.shape_of("inet", "ours").value();
    CHECK(made.find("counter drop") != std::string::npos);
    CHECK(
        shell(
            "nft add element inet ours open '{ ipv4 timeout 1h }'; ip link set lo up; ping -c1 -W1 127.0.0.1 >/dev/null || :") ==
        "");
    CHECK(nftables.shape_of("inet", "ours").value() == made);
    CHECK(nftables.list("list table inet ours").value() != made);
    CHECK(shell("nft insert rule inet ours output accept") == "");
    CHECK(nftables.shape_of("inet", "ours").value() != made);
    CHECK_FALSE(nftables.shape_of("inet", "nobodys"));
}
