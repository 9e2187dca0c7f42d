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

SavedFile file(std::string content) { return {Kind::file, std::move(content), 0644, 0, 0}; }

const std::string ours = "# Written by vpn-client for a. And so on.\nnameserver 10.66.0.53\n";
const std::string other = "# Written by vpn-client for b. And so on.\nnameserver 10.77.0.53\n";

DnsJournal journal(std::string name, std::string text, SavedFile before) {
    return {std::move(name), "", ReplacedFile{std::move(text), std::move(before)}};
}

} // namespace

TEST_CASE("those of the present network are asked first, and those from before behind them") {
    CHECK(choose_resolvers(addresses({"10.20.0.1"}), addresses({"192.168.1.1", "9.9.9.9"}), addresses({"10.66.0.53"})) ==
          addresses({"10.20.0.1", "192.168.1.1", "9.9.9.9"}));
    CHECK(choose_resolvers(addresses({"192.168.1.1"}), addresses({"192.168.1.1"}), {}) == addresses({"192.168.1.1"}));
    CHECK(choose_resolvers(addresses({"9.9.9.9", "192.168.1.1"}), addresses({"192.168.1.1", "9.9.9.9"}), {}) ==
          addresses({"9.9.9.9", "192.168.1.1"}));
}

TEST_CASE("a network that announces a hundred name servers has three of them asked") {
    std::vector<IpAddress> announced;
    for (int i = 1; i <= 100; ++i) announced.push_back(IpAddress::parse("10.20.0." + std::to_string(i)).value());
    CHECK(choose_resolvers(announced, addresses({"192.168.1.1"}), {}) ==
          addresses({"10.20.0.1", "10.20.0.2", "10.20.0.3", "192.168.1.1"}));
    CHECK(choose_resolvers(addresses({"192.168.1.1"}), announced, {}) ==
          addresses({"192.168.1.1", "10.20.0.1", "10.20.0.2", "10.20.0.3"}));
    CHECK(choose_resolvers(addresses({"10.20.0.1"}), announced, {}).size() == 4);
}

TEST_CASE("a network can't make us ask the tunnel's name servers outside, but those from before are asked on") {
    const auto inside = addresses({"10.66.0.53", "9.9.9.9"});
    CHECK(choose_resolvers(addresses({"10.66.0.53", "10.20.0.1"}), addresses({"192.168.1.1"}), inside) ==
          addresses({"10.20.0.1", "192.168.1.1"}));
    CHECK(choose_resolvers(addresses({"10.66.0.53"}), addresses({"9.9.9.9"}), inside) == addresses({"9.9.9.9"}));
}

TEST_CASE("who listens on this machine itself is asked only where there is nobody else") {
    CHECK(choose_resolvers(addresses({"127.0.0.53", "::1", "0.0.0.0", "10.20.0.1"}), addresses({"127.0.0.1"}), {}) ==
          addresses({"10.20.0.1"}));
    CHECK(choose_resolvers(addresses({"127.0.0.1"}), addresses({"192.168.1.1"}), {}) == addresses({"192.168.1.1"}));
    CHECK(choose_resolvers(addresses({"127.0.0.1"}), addresses({"::1"}), {}) == addresses({"127.0.0.1", "::1"}));
    CHECK(choose_resolvers({}, {}, {}) == addresses({"127.0.0.1"}));
}

TEST_CASE("an IPv4 address that is written within IPv6 is that address") {
    CHECK(choose_resolvers(addresses({"::ffff:127.0.0.1", "::ffff:10.20.0.1"}), {}, {}) == addresses({"10.20.0.1"}));
    CHECK(choose_resolvers(addresses({"::ffff:10.66.0.53"}), addresses({"192.168.1.1"}), addresses({"10.66.0.53"})) ==
          addresses({"192.168.1.1"}));
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
    CHECK(servers_of_links(all, {2}, {}) == addresses({"192.168.1.1", "192.168.1.2", "1.1.1.1"}));
    CHECK(servers_of_links(all, {3, 2}, {}) == addresses({"192.168.1.1", "fd00::1", "192.168.1.2", "1.1.1.1"}));
    CHECK(servers_of_links(all, {}, {}) == addresses({"1.1.1.1"}));
    // It takes what stands in our /etc/resolv.conf for the machine's.
    CHECK(servers_of_links(all, {2}, addresses({"1.1.1.1", "192.168.1.1"})) == addresses({"192.168.1.1", "192.168.1.2"}));
}

TEST_CASE("resolvconf's records of VPNs are known by their names") {
    CHECK(is_record_of_vpn("vpn.laptop"));
    CHECK(is_record_of_vpn("tun0.openvpn"));
    CHECK_FALSE(is_record_of_vpn("eth0.dhcp"));
    CHECK_FALSE(is_record_of_vpn("wlan0.vpnish"));
}
