#include "common/config/wg_quick.hpp"

#include "tests/config/faults.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace vpn::config {
namespace {

std::string good_file() {
    return samples::with_keys(R"([Interface]
PrivateKey = PRIVATE
Address = 10.66.0.2/32, fd66::2/128
DNS = 9.9.9.9
MTU = 1420
ListenPort = 4000

[Peer]
# vps
PublicKey = PUBLIC
PresharedKey = PRESHARED
Endpoint = vpn.example.org:51820
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = 25
)");
}

Parsed<WgQuickFile> read(const std::string& text) { return parse_wg_quick(samples::with_keys(text), "wg.conf"); }

WgQuickFile good(const std::string& text) {
    auto parsed = read(text);
    REQUIRE_MESSAGE(parsed, fault_text(parsed));
    return *std::move(parsed);
}

} // namespace

TEST_CASE("a wg-quick file is read and written back byte for byte, but for the peer's name") {
    auto file = good(good_file());
    CHECK(file.config.interface.private_key.reveal() == samples::private_key);
    CHECK(file.config.interface.mtu == 1420);
    CHECK(file.config.interface.listen_port == Port{4000});
    CHECK(file.config.peers[0].endpoint == HostPort{"vpn.example.org", Port{51820}});
    CHECK(file.config.peers[0].persistent_keepalive == std::chrono::seconds(25));
    CHECK(file.hooks.empty());
    CHECK(file.unused.empty());
    CHECK(file.unknown.empty());
    file.config.peers[0].name = "vps";
    CHECK(format_wg_quick(file.config) == good_file());
}

TEST_CASE("case, spaces, comments, carriage returns and a byte order mark don't matter") {
    const auto file = good("\xef\xbb\xbf# made by hand\r\n\r\n [INTERFACE] # "
                           "here\r\n\tprivatekey=PRIVATE#mine\r\nADDRESS=10.66.0.2 ,fd66::2/128,\r\n"
                           "address = 10.67.0.2/24\r\nDNS =\r\n[peer]\r\npublickey = PUBLIC\r\nendpoint = [2001:db8::1]:51820\r\n"
                           "allowedips = 10.0.0.0/8\r\nAllowedIPs = 192.168.1.7/24\r\nPersistentKeepalive = Off");
    CHECK(file.config.interface.addresses ==
          std::vector{*Prefix::parse("10.66.0.2/32"), *Prefix::parse("fd66::2/128"), *Prefix::parse("10.67.0.2/24")});
    CHECK(file.config.peers[0].endpoint->to_string() == "[2001:db8::1]:51820");
    CHECK(file.config.peers[0].allowed_ips == std::vector{*Prefix::parse("10.0.0.0/8"), *Prefix::parse("192.168.1.0/24")});
    CHECK(file.config.peers[0].persistent_keepalive.count() == 0);
}

TEST_CASE("hooks are handed over in their order and nothing is run") {
    const auto file =
        good("[Interface]\nPrivateKey = PRIVATE\nAddress = 10.0.0.2\nPostUp = iptables -A FORWARD -i %i -j ACCEPT; touch /tmp/x\n"
             "preup = one\nPreDown = two = 2\nPostDown = three # not this\nPostUp = four\n"
             "[Peer]\nPublicKey = PUBLIC\nEndpoint = a.example:1\nAllowedIPs = ::/0");
    CHECK(file.hooks == std::vector<WgQuickLine>{{4, "PostUp", "iptables -A FORWARD -i %i -j ACCEPT; touch /tmp/x"},
                                                 {5, "PreUp", "one"},
                                                 {6, "PreDown", "two = 2"},
                                                 {7, "PostDown", "three"},
                                                 {8, "PostUp", "four"}});
}

TEST_CASE("what we don't carry out is named, not dropped") {
    const auto file = good("[Interface]\nPrivateKey = PRIVATE\nAddress = 10.0.0.2\nDNS = 9.9.9.9, corp.example, "
                           "2620:fe::fe\nTable = 1234\nFwMark = 0x20\nSaveConfig = true\nJc = 4\n"
                           "[Peer]\nPublicKey = PUBLIC\nEndpoint = a.example:1\nAllowedIPs = ::/0\nColour\x1b = blue");
    CHECK(file.config.interface.dns == std::vector{*IpAddress::parse("9.9.9.9"), *IpAddress::parse("2620:fe::fe")});
    CHECK(file.config.interface.dns_domains == std::vector<std::string>{"corp.example"});
    CHECK(file.unused == std::vector<WgQuickLine>{{5, "Table", "1234"}, {6, "FwMark", "0x20"}, {7, "SaveConfig", "true"}});
    CHECK(file.config.interface.routes);
    CHECK(file.unknown == std::vector<WgQuickLine>{{8, "Jc", "4"}, {13, "Colour\x1b", "blue"}});
}

TEST_CASE("keys that ask for nothing but what is done anyway are not worth a word") {
    const auto file =
        good("[Interface]\nPrivateKey = PRIVATE\nAddress = 10.0.0.2\nTable = Auto\nFwMark = 0x0\nfwmark = OFF\nSaveConfig = "
             "false\n[Peer]\nPublicKey = PUBLIC\nEndpoint = a.example:1\nAllowedIPs = ::/0\n");
    CHECK(file.unused.empty());
    CHECK(file.config.interface.routes);
}

TEST_CASE("Table = off leaves the routes to others, there and back") {
    auto file = good("[Interface]\nPrivateKey = PRIVATE\nAddress = 10.0.0.2\ntable = Off\n"
                     "[Peer]\nPublicKey = PUBLIC\nEndpoint = a.example:1\nAllowedIPs = ::/0\n");
    CHECK(file.unused.empty());
    CHECK_FALSE(file.config.interface.routes);
    CHECK(format_wg_quick(file.config).find("\nTable = off\n") != std::string::npos);
    CHECK(encode(file.config).find("\"routes\": false") != std::string::npos);
}

TEST_CASE("a wg-quick file is refused with line and reason") {
    using namespace std::string_literals;
    const std::string none = "must be a key of 44 characters of base64, found ";
    const std::string endpoint = "Endpoint: expected HOST:PORT or [IPv6]:PORT, found ";
    const std::string second = "PersistentKeepalive = 25\n\n[Peer]\nPublicKey = OTHER\n";
    for (const Fault& fault : std::vector<Fault>{
             {"", "", 0, "there is no [Interface] section"},
             {"", "# nothing\n\n", 0, "there is no [Interface] section"},
             {"", "[Peer]\nPublicKey = PUBLIC\n", 0, "there is no [Interface] section"},
             {"", "PrivateKey = PRIVATE\n", 1, "expected the section [Interface] first, found \"PrivateKey\""},
             {"", "[Interface]\n", 1, "the private key is missing or all zeros"},
             {"", "[Interface]\nPrivateKey = PRIVATE\nAddress = 10.0.0.2\n", 0, "there is no peer to connect to"},
             {"[Peer]", "[Pear]", 8, "expected the section [Interface] or [Peer], found \"[Pear]\""},
             {"[Peer]", "[\x1b[2J]", 8, "expected the section [Interface] or [Peer], found \"[\\x1b[2J]\""},
             {"[Peer]", "[Interface]", 8, "a second [Interface] section"},
             {"# vps", "vps", 9, "expected \"Key = value\" or a section such as [Peer], found \"vps\""},
             {"# vps", "v\0ps"s, 9, "there is a NUL byte in the text"},
             {"# vps", "PublicKey = OTHER", 10, "PublicKey appears twice in the same section"},
             {"PrivateKey = ", "PrivateKey = x", 2, "PrivateKey " + none + "45 characters that are none"},
             {"PrivateKey = " + std::string(samples::private_key), "PrivateKey =", 2,
              "PrivateKey " + none + "0 characters that are none"},
             {"PublicKey = ", "PublicKey = x", 10, "PublicKey " + none + "45 characters that are none"},
             {"PresharedKey = ", "PresharedKey = x", 11, "PresharedKey " + none + "45 characters that are none"},
             {"fd66::2/128", "fd66::2/129", 3,
              "Address must be a list of IP addresses such as 10.66.0.2/32, found \"fd66::2/129\""},
             {"fd66::2/128", "10.66.0.2/24", 3, "the address 10.66.0.2 is listed twice"},
             {"9.9.9.9", "9.9.9.9.9", 4, "DNS must be a list of IP addresses and search domains, found \"9.9.9.9.9\""},
             {"1420", "575", 5, "MTU must be a number from 576 to 65535, found \"575\""},
             {"1420", "1279", 5, "the MTU must be at least 1280 on an interface with IPv6, found 1279"},
             {"4000", "70000", 6, "ListenPort must be a number from 0 to 65535, found \"70000\""},
             {"vpn.example.org:51820", "vpn.example.org", 12, endpoint + "\"vpn.example.org\": the port is missing"},
             {"Endpoint = vpn.example.org:51820\n", "", 8, "no peer has an endpoint, so there is nobody to connect to"},
             {"::/0", "::/0/0", 13, "AllowedIPs must be a list of IP prefixes such as 0.0.0.0/0, ::/0, found \"::/0/0\""},
             {"::/0", "9.9.9.9/0", 13, "0.0.0.0/0 is listed twice for peer 1"},
             {"AllowedIPs = 0.0.0.0/0, ::/0\n", "", 8,
              "a peer without allowed IPs gets no packet: for everything, list 0.0.0.0/0 and ::/0"},
             {"= 25", "= 65536", 14, "PersistentKeepalive must be off or a number of seconds from 0 to 65535, found \"65536\""},
             {"PersistentKeepalive = 25\n", second + "AllowedIPs = 10.0.0.0/8\nAllowedIPs = ::/0\n", 19,
              "::/0 of peer 2 already belongs to peer 1"},
             {"PersistentKeepalive = 25\n", samples::with(second, "OTHER", "PUBLIC") + "AllowedIPs = 10.0.0.0/8\n", 17,
              "the public key of peer 2 already belongs to peer 1"},
             {"PersistentKeepalive = 25\n", "PersistentKeepalive = 25\n[Peer]\n", 15,
              "the public key of peer 2 is missing or all zeros"},
         }) {
        const std::string where = fault.line > 0 ? ':' + std::to_string(fault.line) : "";
        INFO(fault.from, " -> ", fault.to);
        CHECK(fault_text(parse_wg_quick(changed(good_file(), fault), "wg.conf")) == "wg.conf" + where + ": " + fault.message);
    }
}

TEST_CASE("a wg-quick file of many megabytes is refused before it is read") {
    const std::string text = "[Interface]\n" + std::string(5'000'000, '#');
    CHECK(fault_text(parse_wg_quick(text, "wg.conf")) == "wg.conf: longer than 4194304 bytes");
}

} // namespace vpn::config
