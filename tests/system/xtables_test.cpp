// The issue: works beside Docker, ufw and firewalld. What iptables-legacy leaves in a real kernel, in a network of the test's
// own.
#include "common/system/xtables.hpp"

#include "common/system/unique_fd.hpp"
#include "common/system/xtables_watch.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/support/xtables.hpp"
#include "tests/system/scratch.hpp"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <sys/socket.h>

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace vpn::system {
namespace {

using test::captured_v4;
using test::captured_v6;

/// Puts the table in the place of an empty one, as iptables-restore does. An errno, or zero.
int put(const Xtable& table, std::uint32_t entries, std::uint32_t replaced) {
    const bool v4 = table.family == Family::v4;
    const UniqueFd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::vector<xt_counters> counters(replaced);
    ipt_replace head{};
    std::ranges::copy(std::string_view("filter"), head.name);
    head.valid_hooks = table.hooks;
    head.num_entries = entries;
    head.size = static_cast<unsigned>(table.entries.size());
    std::ranges::copy(table.first, head.hook_entry);
    std::ranges::copy(table.last, head.underflow);
    head.num_counters = replaced;
    head.counters = counters.data();
    std::vector<std::byte> request(sizeof head + table.entries.size());
    std::memcpy(request.data(), &head, sizeof head);
    std::ranges::copy(table.entries, request.begin() + sizeof head);
    const int level = v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
    const auto size = static_cast<socklen_t>(request.size());
    return ::setsockopt(socket.get(), level, IPT_SO_SET_REPLACE, request.data(), size) == 0 ? 0 : errno;
}

/// As the calling thread's network has them.
std::string names() { return test::shell("cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null"); }

bool kernel_has_it() { return std::filesystem::exists("/proc/net/ip_tables_names"); }

} // namespace

TEST_CASE("where there is no table of iptables-legacy, none is there after the question either") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    for (const Family family : {Family::v4, Family::v6}) {
        const auto table = read_xtable(family);
        REQUIRE_MESSAGE(table.has_value(), table.error().message);
        CHECK_FALSE(table->has_value());
    }
    if (kernel_has_it()) CHECK(names().empty());
}

TEST_CASE("a table is read as it was put there, and each family has its own") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    if (!kernel_has_it()) {
        MESSAGE("this kernel has no iptables-legacy");
        return;
    }
    REQUIRE(put(captured_v4(), 9, 4) == 0);
    auto table = read_xtable(Family::v4);
    REQUIRE_MESSAGE(table.has_value(), table.error().message);
    CHECK(table->value() == captured_v4());
    CHECK_FALSE(read_xtable(Family::v6)->has_value());
    CHECK(names() == "filter\n");
    REQUIRE(put(captured_v6(), 9, 4) == 0);
    table = read_xtable(Family::v6);
    REQUIRE_MESSAGE(table.has_value(), table.error().message);
    CHECK(table->value() == captured_v6());
}

TEST_CASE("counters are no part of what is read") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    if (!kernel_has_it()) return;
    Xtable table = captured_v4();
    constexpr std::size_t input_policy = 520;
    constexpr std::size_t verdict = 112 + 32;
    constexpr std::int32_t accept = -2;
    std::memcpy(&table.entries.at(input_policy + verdict), &accept, sizeof accept);
    REQUIRE(put(table, 9, 4) == 0);
    const auto before = read_xtable(Family::v4);
    REQUIRE(before.has_value());
    REQUIRE(test::shell("ping -n -q -c1 -W1 127.0.0.1 2>&1").find("1 received") != std::string::npos);
    CHECK(*read_xtable(Family::v4) == *before);
    CHECK(**before == table);
}

TEST_CASE("a program that locks the file is heard when it lets it go, whether or not the file was there, and whatever takes its "
          "place") {
    const test::Scratch scratch;
    auto watch = XtablesWatch::open(scratch.path());
    REQUIRE(watch.has_value());
    const auto heard = [&] {
        pollfd watched{watch->fd(), POLLIN, 0};
        const bool something = ::poll(&watched, 1, 0) == 1;
        const bool ran = watch->read();
        REQUIRE(::poll(&watched, 1, 0) == 0);
        return something && ran;
    };
    const std::string lock = scratch.file("xtables.lock");
    CHECK_FALSE(heard());
    std::ofstream(scratch.file("other"));
    CHECK_FALSE(heard());
    {
        const std::ofstream first(lock);
        CHECK(heard());
        CHECK_FALSE(heard());
    }
    CHECK(heard());
    { const std::ifstream again(lock); }
    CHECK(heard());
    std::filesystem::remove(lock);
    CHECK_FALSE(heard());
    std::ofstream{lock};
    CHECK(heard());
    std::filesystem::rename(scratch.file("other"), lock);
    CHECK(heard());
    { const std::ifstream again(lock); }
    CHECK(heard());
    CHECK_FALSE(heard());

    auto later = XtablesWatch::open(scratch.path());
    REQUIRE(later.has_value());
    { const std::ifstream again(lock); }
    CHECK(later->read());
    CHECK_FALSE(XtablesWatch::open(scratch.file("nowhere")).has_value());
}

} // namespace vpn::system
