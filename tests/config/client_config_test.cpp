#include "common/config/client_config.hpp"

#include "tests/config/faults.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace vpn::config {
namespace {

using samples::client_file;

Prefix prefix(std::string_view text) { return *Prefix::parse(text); }

void check_faults(const std::vector<Fault>& faults) {
    for (const Fault& fault : faults) {
        const std::string text = changed(client_file(), fault);
        INFO(fault.from, " -> ", fault.to);
        CHECK(text != client_file());
        CHECK(fault_text(decode_client(text, "c.json")) == "c.json:" + std::to_string(fault.line) + ": " + fault.message);
    }
}

} // namespace

TEST_CASE("domains stand among the name servers, as in wg-quick's list") {
    const auto decoded = decode_client(
        samples::with(client_file(), "\"9.9.9.9\"", R"("corp.example", "9.9.9.9", "~lab.example", "~.")"), "c.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    CHECK(decoded->interface.dns == std::vector{*IpAddress::parse("9.9.9.9")});
    CHECK(decoded->interface.dns_domains == std::vector<std::string>{"corp.example", "~lab.example", "~."});
}

TEST_CASE("a client's file says what it says") {
    const auto decoded = decode_client(client_file(), "c.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    const ClientInterface& interface = decoded->interface;
    CHECK(interface.name.empty());
    CHECK(interface.private_key.reveal() == samples::private_key);
    CHECK(interface.private_key_file.empty());
    CHECK(interface.addresses == std::vector{prefix("10.66.0.2/32"), prefix("fd66::2/128")});
    CHECK(interface.dns == std::vector{*IpAddress::parse("9.9.9.9")});
    CHECK(!interface.mtu);
    CHECK(interface.probe == IpAddress::parse("10.66.0.1"));
    CHECK(!interface.listen_port);
    REQUIRE(decoded->peers.size() == 1);
    const ClientPeer& peer = decoded->peers[0];
    CHECK(peer.name == "vps");
    CHECK(peer.public_key.to_string() == samples::public_key);
    CHECK(peer.preshared_key.reveal() == samples::preshared_key);
    CHECK(peer.endpoint == HostPort{"vpn.example.org", Port{51820}});
    CHECK(peer.allowed_ips == std::vector{prefix("0.0.0.0/0"), prefix("::/0")});
    CHECK(peer.persistent_keepalive == std::chrono::seconds(25));
    CHECK(peer.suite == Suite::wireguard);
}

TEST_CASE("a peer has several endpoints in the order of their list, and a list of one is the same as a string") {
    const auto with = [](std::string_view list) {
        return decode_client(samples::with(client_file(), "\"vpn.example.org:51820\"", list), "c.json");
    };
    const auto three = with(R"(["vpn.example.org:51820", "192.0.2.1:443", "[2001:db8::1]:53"])");
    REQUIRE_MESSAGE(three, fault_text(three));
    CHECK(three->peers[0].endpoint == HostPort{"vpn.example.org", Port{51820}});
    CHECK(three->peers[0].more_endpoints == std::vector{HostPort{"192.0.2.1", Port{443}}, HostPort{"2001:db8::1", Port{53}}});
    const auto again = decode_client(encode(*three), "c.json");
    REQUIRE_MESSAGE(again, fault_text(again));
    CHECK(*again == *three);
    const auto one = with(R"(["vpn.example.org:51820"])");
    REQUIRE(one);
    CHECK(encode(*one) == client_file());
}

TEST_CASE("a client's file is written back byte for byte") {
    const auto decoded = decode_client(client_file(), "c.json");
    REQUIRE(decoded);
    CHECK(encode(*decoded) == client_file());
    CHECK(decoded->clone() == *decoded);
}

TEST_CASE("what a client's file leaves out has a default") {
    const auto decoded = decode_client(samples::with_keys(R"({"version": 1,
        "interface": {"private_key": "PRIVATE", "addresses": ["10.0.0.2"], "lock": false},
        "peers": [{"public_key": "PUBLIC", "endpoint": "[2001:db8::1]:7", "allowed_ips": ["10.0.0.9/8"]}]})"),
                                       "c.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    CHECK(decoded->interface.dns.empty());
    CHECK(!decoded->interface.mtu);
    CHECK(!decoded->interface.probe);
    CHECK(decoded->interface.offloads);
    CHECK(decoded->interface.addresses == std::vector{prefix("10.0.0.2/32")});
    CHECK(decoded->peers[0].name.empty());
    CHECK(decoded->peers[0].preshared_key.is_zero());
    CHECK(decoded->peers[0].persistent_keepalive.count() == 0);
    CHECK(decoded->peers[0].allowed_ips == std::vector{prefix("10.0.0.0/8")}); // without host bits
    CHECK(decoded->peers[0].suite == Suite::wireguard);
}

TEST_CASE("a lock and the local networks that it leaves open are read, copied and written") {
    const auto locked = decode_client(samples::with(client_file(), "\"mtu\": \"auto\"",
                                                    "\"lock\": true, \"local_networks\": [\"192.168.1.7/24\", \"fd00::/8\"]"),
                                      "c.json");
    REQUIRE(locked);
    CHECK(locked->interface.lock);
    REQUIRE(locked->interface.local_networks.size() == 2);
    CHECK(locked->interface.local_networks[0] == Prefix::parse("192.168.1.0/24"));
    CHECK(locked->clone() == *locked);
    const auto again = decode_client(encode(*locked), "c.json");
    REQUIRE(again);
    CHECK(*again == *locked);
    CHECK_FALSE(decode_client(client_file(), "c.json")->interface.lock);
}

TEST_CASE("offloads are on unless a client's file turns them off, and only then are they written") {
    const auto off = decode_client(samples::with(client_file(), "\"mtu\": \"auto\"", "\"offloads\": false"), "c.json");
    REQUIRE_MESSAGE(off, fault_text(off));
    CHECK_FALSE(off->interface.offloads);
    CHECK_FALSE(off->clone().interface.offloads);
    CHECK(encode(*off).find("\"offloads\": false") != std::string::npos);
    const auto on = decode_client(samples::with(client_file(), "\"mtu\": \"auto\"", "\"offloads\": true"), "c.json");
    REQUIRE_MESSAGE(on, fault_text(on));
    CHECK(on->interface.offloads);
    CHECK(encode(*on) == client_file());
    CHECK_FALSE(*on == *off);
    check_faults({{"\"mtu\": \"auto\"", "\"offloads\": 0", 7, "\"offloads\" must be true or false, found 0"}});
}

TEST_CASE("the version comes first, before keys that only a later one knows") {
    check_faults({
        {"\"version\": 1,", "", 1, "\"version\" is missing, expected \"version\": 1"},
        {"\"version\": 1,", "\"version\": 2, \"future\": true,", 2,
         "\"version\" must be 1, the only version that this program knows, found 2"},
        {"\"version\": 1,", "\"version\": \"1\",", 2,
         "\"version\" must be 1, the only version that this program knows, found \"1\""},
    });
}

TEST_CASE("unknown keys are refused by name, with the one that was meant") {
    check_faults({
        {"\"peers\"", "\"peer\"", 10, "unknown key \"peer\" in the file, did you mean \"peers\"?"},
        {"\"dns\"", "\"DNS\"", 6, "unknown key \"DNS\" in \"interface\", did you mean \"dns\"?"},
        {"\"mtu\"", "\"fwmark\"", 7, "unknown key \"fwmark\" in \"interface\""},
        {"\"allowed_ips\"", "\"AllowedIPs\"", 16, "unknown key \"AllowedIPs\" in a peer, did you mean \"allowed_ips\"?"},
        {"\"suite\"", "\"\\u001b[2Jsuite\"", 18, "unknown key \"\\x1b[2Jsuite\" in a peer"},
    });
}

TEST_CASE("missing keys are named") {
    check_faults({
        {"\"private_key\": \"" + std::string(samples::private_key) + "\",", "", 3, "\"private_key\" is missing in \"interface\""},
        {"\"addresses\": [\"10.66.0.2/32\", \"fd66::2/128\"],", "", 3, "\"addresses\" is missing in \"interface\""},
        {"\"public_key\": \"" + std::string(samples::public_key) + "\",", "", 11, "\"public_key\" is missing in a peer"},
        {"\"allowed_ips\": [\"0.0.0.0/0\", \"::/0\"],", "", 11, "\"allowed_ips\" is missing in a peer"},
        {"", R"({"version": 1, "peers": []})", 1, "\"interface\" is missing in the file"},
        {"", "{\"version\": 1, \"interface\":\n{\"private_key\": \"PRIVATE\", \"addresses\": [\"10.0.0.1\"]}}", 1,
         "\"peers\" is missing in the file"},
    });
}

TEST_CASE("a value of the wrong kind is told with what was expected") {
    const std::string key = "must be a key of 44 characters of base64 or \"file:/path\", found ";
    const std::string private_text = '"' + std::string(samples::private_key) + '"';
    const std::string preshared_text = '"' + std::string(samples::preshared_key) + '"';
    check_faults({
        {"", "[]", 1, "the file must be an object, found an array"},
        {"", "\"x\"", 1, "the file must be an object, found \"x\""},
        {"", "null", 1, "the file must be an object, found null"},
        {"", "{\"version\": 1, \"peers\": [],\n\"interface\": []}", 2, "\"interface\" must be an object, found an array"},
        {"", "{\"version\": 1, \"interface\": {\"private_key\": \"PRIVATE\", \"addresses\": [\"10.0.0.1\"]},\n\"peers\": {}}", 2,
         "\"peers\" must be an array, found an object"},
        {private_text, "17", 4, "\"private_key\" " + key + "17"},
        {private_text, "\"\"", 4, "\"private_key\" " + key + "\"\""},
        {"[\"10.66.0.2/32\", \"fd66::2/128\"]", "\"10.66.0.2/32\"", 5, "\"addresses\" must be an array, found \"10.66.0.2/32\""},
        {"\"fd66::2/128\"", "128", 5, "\"addresses\" must be an IP prefix such as \"10.66.0.0/24\" or \"fd66::/64\", found 128"},
        {"\"9.9.9.9\"", "\"9.9.9.9:53\"", 6,
         "\"dns\" must be an IP address such as \"10.66.0.1\", or a domain such as \"corp.example\" or \"~corp.example\", found "
         "\"9.9.9.9:53\""},
        {"\"9.9.9.9\"", "\"~~corp\"", 6,
         "\"dns\" must be an IP address such as \"10.66.0.1\", or a domain such as \"corp.example\" or \"~corp.example\", found "
         "\"~~corp\""},
        {"\"9.9.9.9\"", "[]", 6,
         "\"dns\" must be an IP address such as \"10.66.0.1\", or a domain such as \"corp.example\" or \"~corp.example\", found "
         "an array"},
        {"\"auto\"", "\"1420\"", 7, "\"mtu\" must be \"auto\" or a number from 576 to 65535, found \"1420\""},
        {"\"auto\"", "575", 7, "\"mtu\" must be \"auto\" or a number from 576 to 65535, found 575"},
        {"\"auto\"", "65536", 7, "\"mtu\" must be \"auto\" or a number from 576 to 65535, found 65536"},
        {"\"auto\"", "1420.5", 7,
         "\"mtu\" must be \"auto\" or a number from 576 to 65535, found a number that is no plain integer"},
        {"\"10.66.0.1\"", "true", 8, "\"probe\" must be an IP address such as \"10.66.0.1\" or \"fd66::1\", found true"},
        {"\"probe\": \"10.66.0.1\"", "\"listen_port\": 0", 8, "\"listen_port\" must be a number from 1 to 65535, found 0"},
        {"\"probe\": \"10.66.0.1\"", "\"listen_port\": 65536", 8,
         "\"listen_port\" must be a number from 1 to 65535, found 65536"},
        {"\"probe\": \"10.66.0.1\"", "\"name\": \"a/b\"", 8,
         "\"name\" must be 1 to 15 of the characters A-Z a-z 0-9 _ = + . -, found \"a/b\""},
        {"\"probe\": \"10.66.0.1\"", "\"portal_check\": true", 8,
         "\"portal_check\" must be an address such as \"http://connectivity-check.ubuntu.com/\", or false, found true"},
        {"\"probe\": \"10.66.0.1\"", "\"portal_check\": \"https://check.example/\"", 8,
         "\"portal_check\" is no address that can be asked: expected http://HOST/PATH, found \"https://check.example/\""},
        {"\"probe\": \"10.66.0.1\"", "\"lock\": 1", 8, "\"lock\" must be true or false, found 1"},
        {"\"vps\"", "null", 12,
         "\"name\" must be 1 to 63 bytes of printable text without / and without a space at either end, found null"},
        {preshared_text, "{}", 14, "\"preshared_key\" " + key + "an object"},
        {"\"vpn.example.org:51820\"", "51820", 15,
         "\"endpoint\" must be a string such as \"vpn.example.org:51820\", found 51820"},
        {"\"vpn.example.org:51820\"", "\"vpn.example.org\"", 15,
         "\"endpoint\" is no endpoint: expected HOST:PORT or [IPv6]:PORT, found \"vpn.example.org\": the port is missing"},
        {"\"vpn.example.org:51820\"", "[\"vpn.example.org:51820\", 51820]", 15,
         "\"endpoint\" must be a string such as \"vpn.example.org:51820\", found 51820"},
        {"\"vpn.example.org:51820\"", "[\"vpn.example.org:51820\", [\"a.example.org:1\"]]", 15,
         "\"endpoint\" must be a string such as \"vpn.example.org:51820\", found an array"},
        {"\"vpn.example.org:51820\"", "[\"vpn.example.org:51820\", \"\"]", 15,
         "\"endpoint\" is no endpoint: expected HOST:PORT, found nothing"},
        {"\"vpn.example.org:51820\"", "[]", 15, "\"endpoint\" names no server"},
        {"\"vpn.example.org:51820\"",
         "[\"a.b:1\",\"a.b:2\",\"a.b:3\",\"a.b:4\",\"a.b:5\",\"a.b:6\",\"a.b:7\",\"a.b:8\",\"a.b:9\"]", 15,
         "\"endpoint\" has 9 items, more than 8"},
        {"\"vpn.example.org:51820\"", "[\"a.b:1\", \"c.d:1\", \"c.d:1\"]", 15, "the endpoint c.d:1 is listed twice"},
        {"\"vpn.example.org:51820\"", "[\"a.b:1\", \"c.d:1\", \"a.b:1\"]", 15, "the endpoint a.b:1 is listed twice"},
        {"\"::/0\"", "\"::/129\"", 16,
         "\"allowed_ips\" must be an IP prefix such as \"10.66.0.0/24\" or \"fd66::/64\", found \"::/129\""},
        {"25", "65536", 17, "\"persistent_keepalive\" must be a number from 0 to 65535, found 65536"},
        {"25", "-1", 17, "\"persistent_keepalive\" must be a number from 0 to 65535, found -1"},
        {"25", "\"off\"", 17, "\"persistent_keepalive\" must be a number from 0 to 65535, found \"off\""},
        {"\"wireguard\"", "\"openvpn\"", 18, "\"suite\" must be \"hybrid\" or \"wireguard\", found \"openvpn\""},
        {"\"wireguard\"", "true", 18, "\"suite\" must be \"hybrid\" or \"wireguard\", found true"},
    });
}

TEST_CASE("what this version can't do is refused by name, never ignored") {
    check_faults({
        {"\"mtu\": \"auto\"", "\"local_networks\": [\"192.168.1.0/24\"]", 7,
         "networks are named for the lock to leave open, and there is no lock"},
        {"\"mtu\": \"auto\"", "\"lock\": true, \"local_networks\": [\"192.168.1.0/24\", \"0.0.0.0/0\"]", 7,
         "everything is no local network: a lock that leaves it open is none"},
    });
    CHECK(decode_client(samples::with(client_file(), "\"mtu\": \"auto\"", "\"lock\": false"), "c.json"));
}

TEST_CASE("a client's file must make sense as a whole") {
    const std::string other = R"(    },
    { "name": "two", "public_key": "OTHER", "allowed_ips": ["10.9.0.0/16"] }
  ])";
    const auto second = [&](std::string_view from, std::string_view to) { return samples::with(other, from, to); };
    const std::string end = "    }\n  ]";
    CHECK(decode_client(changed(client_file(), {end, other, 0, ""}), "c.json"));
    check_faults({
        {"[\"10.66.0.2/32\", \"fd66::2/128\"]", "[]", 5, "the interface needs at least one address"},
        {"\"fd66::2/128\"", "\"10.66.0.2/24\"", 5, "the address 10.66.0.2 is listed twice"},
        {"\"auto\"", "1279", 7, "the MTU must be at least 1280 on an interface with IPv6, found 1279"},
        {"[\"0.0.0.0/0\", \"::/0\"]", "[]", 16,
         "a peer without allowed IPs gets no packet: for everything, list 0.0.0.0/0 and ::/0"},
        {"\"::/0\"", "\"1.2.3.4/0\"", 16, "0.0.0.0/0 is listed twice for peer \"vps\""},
        {"\"endpoint\": \"vpn.example.org:51820\",", "", 10, "no peer has an endpoint, so there is nobody to connect to"},
        {std::string(samples::public_key), "OWN", 13,
         "the public key of peer \"vps\" is this side's own: it must be the other side's"},
        {std::string(samples::public_key), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 13,
         "the public key of peer \"vps\" is missing or all zeros"},
        {std::string(samples::private_key), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 4,
         "the private key is missing or all zeros"},
        {end, second("\"two\"", "\"vps\""), 20, "the name \"vps\" belongs to two peers"},
        {end, second("OTHER", "PUBLIC"), 20, "the public key of peer \"two\" already belongs to peer \"vps\""},
        {end, second("10.9.0.0/16", "::/0"), 20, "::/0 of peer \"two\" already belongs to peer \"vps\""},
    });
}

TEST_CASE("a key is never repeated, however wrong it is") {
    for (const std::string_view key : {samples::private_key, samples::preshared_key}) {
        const std::string text(key);
        for (const std::string& wrong :
             {text.substr(1), text + "=", text + text, "x" + text, "file:" + text, "file" + text, text.substr(0, 40)}) {
            const auto decoded = decode_client(samples::with(client_file(), key, wrong), "c.json");
            REQUIRE(!decoded);
            CHECK(decoded.error().line == (key == samples::private_key ? 4 : 14));
            CHECK(decoded.error().message.find(text.substr(4, 12)) == std::string::npos);
        }
    }
}

TEST_CASE("a key may stand in a file of its own, and its place is written back") {
    const std::string text = samples::with(samples::with(client_file(), samples::private_key, "file:/etc/vpn/private"),
                                           samples::preshared_key, "file:/etc/vpn/preshared");
    std::vector<std::string> asked;
    const KeyReader reader = [&](const std::string& path) -> Result<std::string> {
        asked.push_back(path);
        return std::string(path == "/etc/vpn/private" ? samples::private_key : samples::preshared_key) + "\n";
    };
    const auto decoded = decode_client(text, "c.json", reader);
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    CHECK(asked == std::vector<std::string>{"/etc/vpn/private", "/etc/vpn/preshared"});
    CHECK(decoded->interface.private_key.reveal() == samples::private_key);
    CHECK(decoded->interface.private_key_file == "/etc/vpn/private");
    CHECK(decoded->peers[0].preshared_key.reveal() == samples::preshared_key);
    CHECK(encode(*decoded) == text);
}

TEST_CASE("a key's file that is of no use is told with the line of the key") {
    const auto fault = [](const std::string& key, const KeyReader& reader) {
        return fault_text(decode_client(samples::with(client_file(), samples::private_key, key), "c.json", reader));
    };
    const auto holds = [](const std::string& contents) {
        return [contents](const std::string&) -> Result<std::string> { return contents; };
    };
    const auto broken = [](const std::string& path) -> Result<std::string> { return failed(path + ": no such file"); };
    CHECK(fault("file:/k", broken) == "c.json:4: \"private_key\" can't be read: /k: no such file");
    CHECK(fault("file:/k", {}) == "c.json:4: \"private_key\" names a file, but keys in other files are not read here");
    CHECK(fault("file:/k", holds("")) == "c.json:4: \"private_key\" names a file that is empty");
    CHECK(fault("file:/k", holds(" \r\n")) == "c.json:4: \"private_key\" names a file that is empty");
    CHECK(fault("file:/k", holds("secret")) ==
          "c.json:4: \"private_key\" names a file that holds no key of 44 characters of base64");
    const std::string relative =
        "c.json:4: \"private_key\" must name its file by an absolute path, as in \"file:/etc/vpn/key\", found ";
    CHECK(fault("file:k", broken) == relative + "\"file:k\"");
    CHECK(fault("file:", broken) == relative + "\"file:\"");
    CHECK(fault("file:~/k\\u001b[m", broken) == relative + "\"file:~/k\\x1b[m\"");
    CHECK(fault("file:/k\\u0000x", broken) == relative + "\"file:/k\\x00x\"");
}

TEST_CASE("a configuration that a program made is checked by the same rules") {
    auto decoded = decode_client(client_file(), "c.json");
    REQUIRE(decoded);
    CHECK(!check(*decoded));
    decoded->interface.name = "much-too-long-a-name";
    CHECK(check(*decoded)->where == "interface.name");
    decoded->interface.name.clear();
    decoded->peers[0].name = "a\nb";
    CHECK(check(*decoded)->where == "peers[0].name");
    decoded->peers.clear();
    CHECK(check(*decoded)->where == "peers");
}

} // namespace vpn::config
