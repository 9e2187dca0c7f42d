// EXPERIENCE, "How it behaves": whom a client asks, past the tunnel, where its server is.
#include "vpn-client/dns/resolver_choice.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace vpn;
using namespace vpn::client;

namespace {

using Kind = SavedFile::Kind;

std::vector<IpAddress> addresses(std::initializer_list<std::string_view> texts) {
    std::vector<IpAddress> list;
    for (const std::string_view text : texts) list.push_back(IpAddress::parse(text).value());
    return list;
}

std::vector<Resolver> resolvers(std::initializer_list<std::string_view> texts) {
    const std::vector<IpAddress> list = addresses(texts);
    return {list.begin(), list.end()};
}

system::Link link(std::uint32_t index, std::string name, std::string kind) {
    system::Link link;
    link.index = index;
    link.name = std::move(name);
    link.kind = std::move(kind);
    return link;
}

SavedFile file(std::string content) { return {Kind::file, std::move(content), 0644, 0, 0}; }

const std::string ours = "# Written by vpn-client for a. And so on.\nnameserver 10.66.0.53\n";
const std::string other = "# Written by vpn-client for b. And so on.\nnameserver 10.77.0.53\n";

DnsJournal journal(std::string name, std::string text, SavedFile before) {
    return {std::move(name), "", ReplacedFile{std::move(text), std::move(before)}};
}

} // namespace

TEST_CASE("those of the present network are asked first, and those from before behind them") {
    CHECK(choose_resolvers(resolvers({"10.20.0.1"}), resolvers({"192.168.1.1", "9.9.9.9"}), addresses({"10.66.0.53"})) ==
          resolvers({"10.20.0.1", "192.168.1.1", "9.9.9.9"}));
    CHECK(choose_resolvers(resolvers({"192.168.1.1"}), resolvers({"192.168.1.1"}), {}) == resolvers({"192.168.1.1"}));
    CHECK(choose_resolvers(resolvers({"9.9.9.9", "192.168.1.1"}), resolvers({"192.168.1.1", "9.9.9.9"}), {}) ==
          resolvers({"9.9.9.9", "192.168.1.1"}));
}

TEST_CASE("a network that announces a hundred name servers has three of them asked") {
    std::vector<Resolver> announced;
    for (int i = 1; i <= 100; ++i) announced.emplace_back(IpAddress::parse("10.20.0." + std::to_string(i)).value());
    CHECK(choose_resolvers(announced, resolvers({"192.168.1.1"}), {}) ==
          resolvers({"10.20.0.1", "10.20.0.2", "10.20.0.3", "192.168.1.1"}));
    CHECK(choose_resolvers(resolvers({"192.168.1.1"}), announced, {}) ==
          resolvers({"192.168.1.1", "10.20.0.1", "10.20.0.2", "10.20.0.3"}));
    CHECK(choose_resolvers(resolvers({"10.20.0.1"}), announced, {}).size() == 4);
}

TEST_CASE("a network can't make us ask the tunnel's name servers outside, but those from before are asked on") {
    const auto inside = addresses({"10.66.0.53", "9.9.9.9"});
    CHECK(choose_resolvers(resolvers({"10.66.0.53", "10.20.0.1"}), resolvers({"192.168.1.1"}), inside) ==
          resolvers({"10.20.0.1", "192.168.1.1"}));
    CHECK(choose_resolvers(resolvers({"10.66.0.53"}), resolvers({"9.9.9.9"}), inside) == resolvers({"9.9.9.9"}));
}

TEST_CASE("who listens on this machine itself is asked only where there is nobody else") {
    CHECK(choose_resolvers(resolvers({"127.0.0.53", "::1", "0.0.0.0", "10.20.0.1"}), resolvers({"127.0.0.1"}), {}) ==
          resolvers({"10.20.0.1"}));
    CHECK(choose_resolvers(resolvers({"127.0.0.1"}), resolvers({"192.168.1.1"}), {}) == resolvers({"192.168.1.1"}));
    CHECK(choose_resolvers(resolvers({"127.0.0.1"}), resolvers({"::1"}), {}) == resolvers({"127.0.0.1", "::1"}));
    CHECK(choose_resolvers({}, {}, {}) == resolvers({"127.0.0.1"}));
}

TEST_CASE("an IPv4 address that is written within IPv6 is that address") {
    CHECK(choose_resolvers(resolvers({"::ffff:127.0.0.1", "::ffff:10.20.0.1"}), {}, {}) == resolvers({"10.20.0.1"}));
    CHECK(choose_resolvers(resolvers({"::ffff:10.66.0.53"}), resolvers({"192.168.1.1"}), addresses({"10.66.0.53"})) ==
          resolvers({"192.168.1.1"}));
}

TEST_CASE("beneath our text is what it took the place of, and beneath another connection's what that did") {
    const auto home = file("nameserver 192.168.1.1\n");
    const std::vector one{journal("a", ours, home)};
    CHECK(beneath_ours(home, one).file == home);
    CHECK(beneath_ours(file(ours), one).file == home);
    CHECK(beneath_ours(file(ours), {}).file == file(ours));
    for (const bool swapped : {false, true}) {
        std::vector two{journal("a", ours, home), journal("b", other, file(ours))};
        if (swapped) std::swap(two[0], two[1]);
        CHECK(beneath_ours(file(other), two).file == home);
        CHECK(beneath_ours(file(ours), two).file == home);
        CHECK(beneath_ours(file("nameserver 10.20.0.1\n"), two).file == file("nameserver 10.20.0.1\n"));
    }
}

TEST_CASE("beneath our text may be a link, or nothing, and a link is none of ours though it reads like it") {
    const SavedFile link{Kind::link, "../run/resolvconf/resolv.conf", 0, 0, 0};
    CHECK(beneath_ours(file(ours), {journal("a", ours, link)}).file == link);
    CHECK(beneath_ours(file(ours), {journal("a", ours, {})}).file == SavedFile{});
    const SavedFile odd{Kind::link, ours, 0, 0, 0};
    CHECK(beneath_ours(odd, {journal("a", ours, link)}).file == odd);
}

TEST_CASE("what somebody has written behind our text is his, and what he changed in it is nobody's") {
    const auto home = file("nameserver 192.168.1.1");
    const Beneath more = beneath_ours(file(ours + "nameserver 10.20.0.1\n"), {journal("a", ours, home)});
    CHECK(more.file == home);
    CHECK(more.added == "\nnameserver 10.20.0.1\n");
    const std::string changed = "# Written by vpn-client for a. And so on.\nnameserver 10.66.0.54\n";
    CHECK(beneath_ours(file(changed), {journal("a", ours, home)}).file == home);
    CHECK(beneath_ours(file(changed), {journal("a", ours, home)}).added.empty());
}

TEST_CASE("journals that lead to each other lead nowhere, and not for ever") {
    const std::vector circle{journal("a", ours, file(other)), journal("b", other, file(ours))};
    CHECK_NOTHROW(beneath_ours(file(ours), circle));
    CHECK_NOTHROW(beneath_ours(file(""), {journal("a", "", file(""))}));
}

TEST_CASE("of what systemd-resolved knows, the links that lead outside count, and behind them the machine's own servers") {
    const auto at = [](std::string_view text) { return IpAddress::parse(text).value(); };
    const std::vector<LinkServer> all{
        {at("1.1.1.1"), 0}, {at("10.66.0.53"), 7}, {at("192.168.1.1"), 2}, {at("fd00::1"), 3}, {at("192.168.1.2"), 2}};
    CHECK(servers_of_links(all, {2}, {}) == resolvers({"192.168.1.1", "192.168.1.2", "1.1.1.1"}));
    CHECK(servers_of_links(all, {3, 2}, {}) == resolvers({"192.168.1.1", "fd00::1", "192.168.1.2", "1.1.1.1"}));
    CHECK(servers_of_links(all, {}, {}) == resolvers({"1.1.1.1"}));
    // It takes what stands in our /etc/resolv.conf for the machine's.
    CHECK(servers_of_links(all, {2}, addresses({"1.1.1.1", "192.168.1.1"})) == resolvers({"192.168.1.1", "192.168.1.2"}));
}

TEST_CASE("resolvconf's records of VPNs are known by their names") {
    CHECK(is_record_of_vpn("vpn.laptop"));
    CHECK(is_record_of_vpn("tun0.openvpn"));
    CHECK_FALSE(is_record_of_vpn("eth0.dhcp"));
    CHECK_FALSE(is_record_of_vpn("wlan0.vpnish"));
}

TEST_CASE("a link-local name server is asked by its interface, named or numbered, and through no tunnel") {
    const IpAddress local = IpAddress::parse("fe80::1").value();
    const std::vector links{link(1, "lo", ""), link(2, "eth0", ""), link(3, "laptop", "tun"), link(4, "wg0", "wireguard"),
                            link(5, "2", "veth")};
    const auto reached = [&](std::string_view zones) { return reachable_by(links, parse_resolv_conf(zones).servers); };
    CHECK(reached("nameserver fe80::1%eth0") == std::vector{Resolver(local, 2)});
    CHECK(reached("nameserver fe80::1%4294967295\nnameserver fe80::1%1") == std::vector{Resolver(local, 1)});
    CHECK(reached("nameserver fe80::1%2") == std::vector{Resolver(local, 5)}); // a name, if there is one like it
    for (const char* nowhere : {"fe80::1", "fe80::1%", "fe80::1%laptop", "fe80::1%3", "fe80::1%wg0", "fe80::1%9", "fe80::1%0",
                                "fe80::1%eth0%eth0", "fe80::1%4294967298", "fe80::1%-1"}) {
        CAPTURE(nowhere);
        CHECK(reached(std::string("nameserver ") + nowhere).empty());
    }
    CHECK(reached("nameserver 9.9.9.9\nnameserver fe80::1%eth0\nnameserver fd00::1") ==
          std::vector{Resolver(IpAddress::parse("9.9.9.9").value()), Resolver(local, 2),
                      Resolver(IpAddress::parse("fd00::1").value())});
}

TEST_CASE("the same link-local address on two interfaces is two name servers, and without any interface it is none") {
    const IpAddress local = IpAddress::parse("fe80::1").value();
    CHECK(choose_resolvers({{local, 2}, {local}, {local, 3}}, {{local, 2}, {local, 4}, {local}}, {}) ==
          std::vector<Resolver>{{local, 2}, {local, 3}, {local, 4}});
    CHECK(choose_resolvers({{local}}, {}, {}) == resolvers({"127.0.0.1"}));
}

TEST_CASE("what systemd-resolved has for a link may be link-local, and what it has for the whole machine is nobody then") {
    const IpAddress local = IpAddress::parse("fe80::1").value();
    const std::vector<LinkServer> all{{local, 0}, {local, 7}, {local, 2}};
    CHECK(choose_resolvers(servers_of_links(all, {2}, {}), {}, {}) == std::vector{Resolver(local, 2)});
}
