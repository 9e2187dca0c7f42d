#include "common/config/server_config.hpp"

#include "tests/config/faults.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace vpn::config {
namespace {

using samples::server_file;

Prefix prefix(std::string_view text) { return *Prefix::parse(text); }

void check_faults(const std::vector<Fault>& faults) {
    for (const Fault& fault : faults) {
        const std::string text = changed(server_file(), fault);
        INFO(fault.from, " -> ", fault.to);
        CHECK(text != server_file());
        CHECK(fault_text(decode_server(text, "s.json")) == "s.json:" + std::to_string(fault.line) + ": " + fault.message);
    }
}

} // namespace

TEST_CASE("a server's file says what it says") {
    const auto decoded = decode_server(server_file(), "s.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    CHECK(decoded->interface.name == "vpns");
    CHECK(decoded->interface.private_key.reveal() == samples::private_key);
    CHECK(decoded->interface.listen_port == Port{51820});
    CHECK(decoded->interface.addresses == std::vector{prefix("10.66.0.1/24"), prefix("fd66::1/64")});
    CHECK(!decoded->interface.mtu);
    CHECK(decoded->endpoint == HostPort{"vpn.example.org", Port{51820}});
    CHECK(decoded->networks == std::vector{prefix("10.66.0.0/24"), prefix("fd66::/64")});
    CHECK(decoded->dns == std::vector{*IpAddress::parse("9.9.9.9")});
    CHECK(decoded->nat == Nat{});
    CHECK(decoded->isolate_peers);
    CHECK(decoded->host_services.empty());
    REQUIRE(decoded->peers.size() == 2);
    const ServerPeer* laptop = decoded->find_peer("laptop");
    REQUIRE(laptop != nullptr);
    CHECK(laptop->public_key.to_string() == samples::public_key);
    CHECK(laptop->preshared_key.reveal() == samples::preshared_key);
    CHECK(laptop->addresses == std::vector{prefix("10.66.0.2/32"), prefix("fd66::2/128")});
    CHECK(laptop->allowed_ips.empty());
    CHECK(!laptop->disabled);
    const ServerPeer* phone = decoded->find_peer("phone");
    REQUIRE(phone != nullptr);
    CHECK(phone->preshared_key.is_zero());
    CHECK(phone->allowed_ips == std::vector{prefix("192.168.7.0/24")});
    CHECK(phone->disabled);
    CHECK(decoded->find_peer("nobody") == nullptr);
}

TEST_CASE("a server's file is written back byte for byte") {
    const auto decoded = decode_server(server_file(), "s.json");
    REQUIRE(decoded);
    CHECK(encode(*decoded) == server_file());
    CHECK(decoded->clone() == *decoded);
}

TEST_CASE("what a server's file leaves out has a default") {
    const auto decoded = decode_server(samples::with_keys(R"({"version": 1,
        "interface": {"private_key": "PRIVATE", "addresses": ["10.66.0.1/24"]},
        "networks": ["10.66.0.1/24"], "peers": []})"),
                                       "s.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    CHECK(decoded->interface.name == "vpns");
    CHECK(decoded->interface.listen_port == Port{51820});
    CHECK(!decoded->endpoint);
    CHECK(decoded->networks == std::vector{prefix("10.66.0.0/24")}); // without host bits
    CHECK(decoded->nat.mode == Nat::Mode::automatic);
    CHECK(decoded->interface.offloads);
    CHECK(decoded->isolate_peers);
    CHECK(decoded->host_services.empty());
    CHECK(decoded->max_connections == 4096);
    CHECK(decoded->firewall_exceptions);
    CHECK(decoded->peers.empty());
}

TEST_CASE("offloads are on unless a server's file turns them off, and only then are they written") {
    const auto off = decode_server(samples::with(server_file(), "\"mtu\": \"auto\"", "\"offloads\": false"), "s.json");
    REQUIRE_MESSAGE(off, fault_text(off));
    CHECK_FALSE(off->interface.offloads);
    CHECK_FALSE(off->clone().interface.offloads);
    CHECK(encode(*off).find("\"offloads\": false") != std::string::npos);
    const auto on = decode_server(samples::with(server_file(), "\"mtu\": \"auto\"", "\"offloads\": true"), "s.json");
    REQUIRE_MESSAGE(on, fault_text(on));
    CHECK(on->interface.offloads);
    CHECK(encode(*on) == server_file());
    CHECK_FALSE(*on == *off);
    check_faults({{"\"mtu\": \"auto\"", "\"offloads\": \"on\"", 8, "\"offloads\" must be true or false, found \"on\""}});
}

TEST_CASE("a server's old key stands beside its own until its end, and is compared, copied and written like it") {
    const std::string old = "\"mtu\": \"auto\",\n    \"old_key\": {\"private_key\": \"" + std::string(samples::preshared_key) +
                            "\", \"expires\": \"2027-01-01T00:00:00Z\"}";
    const std::string text = samples::with(server_file(), "\"mtu\": \"auto\"", old);
    const auto decoded = decode_server(text, "s.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    REQUIRE(decoded->interface.old_key.has_value());
    CHECK(decoded->interface.old_key->private_key.reveal() == samples::preshared_key);
    CHECK(decoded->interface.old_key->expires == parse_instant("2027-01-01T00:00:00Z"));
    CHECK(own_public_keys(decoded->interface).size() == 2);
    CHECK(decoded->clone() == *decoded);
    const auto again = decode_server(encode(*decoded), "s.json");
    REQUIRE_MESSAGE(again, fault_text(again));
    CHECK(*again == *decoded);
    CHECK(encode(*decoded).find("\"expires\": \"2027-01-01T00:00:00Z\"") != std::string::npos);

    ServerConfig other = decoded->clone();
    other.interface.old_key->expires += std::chrono::seconds(1);
    CHECK_FALSE(other == *decoded);
    other = decoded->clone();
    other.interface.old_key->private_key = decoded->interface.private_key.clone();
    CHECK_FALSE(other == *decoded);
    other.interface.old_key.reset();
    CHECK_FALSE(other == *decoded);
    CHECK(encode(other) == server_file());
    other.peers[0].public_key = own_public_keys(decoded->interface)[1];
    CHECK_FALSE(check(other).has_value());
    other.interface.old_key = decoded->clone().interface.old_key;
    REQUIRE(check(other).has_value()); // no peer has a key that we answer to
    CHECK(check(other)->where == "peers[0].public_key");
}

TEST_CASE("an old key that is wrong is refused with its line, and never shown") {
    const auto with = [](const std::string& value) { return "\"mtu\": \"auto\", \"old_key\": " + value; };
    const std::string key(samples::preshared_key);
    check_faults({
        {"\"mtu\": \"auto\"", with("7"), 8, "\"old_key\" must be an object, found 7"},
        {"\"mtu\": \"auto\"", with("{}"), 8, "\"private_key\" is missing in \"old_key\""},
        {"\"mtu\": \"auto\"", with("{\"private_key\": \"" + key + "\"}"), 8, "\"expires\" is missing in \"old_key\""},
        {"\"mtu\": \"auto\"", with("{\"private_key\": \"" + key + "\", \"expires\": \"soon\"}"), 8,
         "\"expires\" must be an instant in UTC such as 2027-01-01T00:00:00Z, found \"soon\""},
        {"\"mtu\": \"auto\"", with("{\"private_key\": \"short\", \"expires\": \"2027-01-01T00:00:00Z\"}"), 8,
         "\"private_key\" must be a key of 44 characters of base64 or \"file:/path\", found 5 characters that are none"},
        {"\"mtu\": \"auto\"",
         with("{\"private_key\": \"" + std::string(samples::private_key) + "\", \"expires\": \"2027-01-01T00:00:00Z\"}"), 8,
         "the old private key is the one that the server has: take \"old_key\" out"},
    });
}

TEST_CASE("how many connections a peer may have, and exceptions in other firewalls, are written where they are not the default") {
    const auto with = [](const std::string& keys) {
        return decode_server(samples::with(server_file(), "\"host_services\": [],", "\"host_services\": [],\n  " + keys),
                             "s.json");
    };
    const auto none = with("\"max_connections\": 0,\n  \"firewall_exceptions\": false,");
    REQUIRE_MESSAGE(none, fault_text(none));
    CHECK(none->max_connections == 0);
    CHECK_FALSE(none->firewall_exceptions);
    CHECK(none->clone() == *none);
    CHECK(encode(*none).find("\"max_connections\": 0,\n  \"firewall_exceptions\": false,\n") != std::string::npos);
    const auto usual = with("\"max_connections\": 4096, \"firewall_exceptions\": true,");
    REQUIRE_MESSAGE(usual, fault_text(usual));
    CHECK(encode(*usual) == server_file());
    CHECK_FALSE(*usual == *none);
    const std::string most = "\"max_connections\" must be a number from 0 to 1000000, found ";
    check_faults({
        {"\"host_services\": []", "\"max_connections\": -1", 15, most + "-1"},
        {"\"host_services\": []", "\"max_connections\": 1000001", 15, most + "1000001"},
        {"\"host_services\": []", "\"max_connections\": \"all\"", 15, most + "\"all\""},
        {"\"host_services\": []", "\"firewall_exceptions\": 1", 15, "\"firewall_exceptions\" must be true or false, found 1"},
    });
}

TEST_CASE("an endpoint without a port has the port that the server listens on") {
    std::string text = samples::with(server_file(), "\"vpn.example.org:51820\"", "\"vpn.example.org\"");
    text = samples::with(text, "\"listen_port\": 51820", "\"listen_port\": 4443");
    CHECK(decode_server(text, "s.json")->endpoint == HostPort{"vpn.example.org", Port{4443}});
}

TEST_CASE("nat is automatic, an interface or off") {
    const auto nat = [](std::string_view value) {
        const auto decoded =
            decode_server(samples::with(server_file(), "\"nat\": \"auto\"", "\"nat\": " + std::string(value)), "s.json");
        REQUIRE_MESSAGE(decoded, fault_text(decoded));
        return decoded->nat;
    };
    CHECK(nat("\"auto\"") == Nat{Nat::Mode::automatic, ""});
    CHECK(nat("\"eth0\"") == Nat{Nat::Mode::interface, "eth0"});
    CHECK(nat("false") == Nat{Nat::Mode::off, ""});
}

TEST_CASE("a host service is a port and a protocol, or everything") {
    using Protocol = HostService::Protocol;
    CHECK(HostService::parse("53/udp") == HostService{Protocol::udp, Port{53}});
    CHECK(HostService::parse("22/tcp") == HostService{Protocol::tcp, Port{22}});
    CHECK(HostService::parse("*") == HostService{Protocol::any, Port{0}});
    for (const char* text :
         {"", "53", "53/", "/udp", "0/udp", "65536/udp", "053/udp", "53/UDP", "53/sctp", "53/udp/", "**", " *", "dns/udp"})
        CHECK(!HostService::parse(text));
    for (const char* text : {"53/udp", "22/tcp", "*"}) CHECK(HostService::parse(text)->to_string() == text);
}

TEST_CASE("a server's file is refused with line and reason for every wrong value") {
    const std::string rule = "1 to 15 of the characters A-Z a-z 0-9 _ = + . -";
    const std::string address = "must be an IP prefix such as \"10.66.0.0/24\" or \"fd66::/64\", found ";
    const std::string service = "\"host_services\" must be a service such as \"53/udp\" or \"22/tcp\", or \"*\" for all, found ";
    const std::string nat = "\"nat\" must be \"auto\", false or an interface's name (" + rule + "), found ";
    check_faults({
        {"", "{\"version\": 2}", 1, "\"version\" must be 1, the only version that this program knows, found 2"},
        {"\"nat\"", "\"net\"", 13, "unknown key \"net\" in the file, did you mean \"nat\"?"},
        {"\"mtu\"", "\"dns\"", 8, "unknown key \"dns\" in \"interface\""},
        {"\"disabled\"", "\"disable\"", 24, "unknown key \"disable\" in a peer, did you mean \"disabled\"?"},
        {"\"networks\": [\"10.66.0.0/24\", \"fd66::/64\"],", "", 1, "\"networks\" is missing in the file"},
        {"\"name\": \"laptop\",", "", 17, "\"name\" is missing in a peer"},
        {"\"vpns\"", "\"tun 0\"", 4, "\"name\" must be " + rule + ", found \"tun 0\""},
        {"\"listen_port\": 51820", "\"listen_port\": \"51820\"", 6,
         "\"listen_port\" must be a number from 1 to 65535, found \"51820\""},
        {"\"10.66.0.1/24\"", "\"10.66.0.1/33\"", 7, "\"addresses\" " + address + "\"10.66.0.1/33\""},
        {"\"auto\"\n", "100000\n", 8, "\"mtu\" must be \"auto\" or a number from 576 to 65535, found 100000"},
        {"\"endpoint\": \"vpn.example.org:51820\"", "\"endpoint\": \"vpn example\"", 10,
         "\"endpoint\" is no endpoint: expected HOST, HOST:PORT or [IPv6]:PORT, found \"vpn example\": that is neither an "
         "address nor a host name"},
        {"\"networks\": [\"10.66.0.0/24\"", "\"networks\": [\"10.66.0.0/x\"", 11, "\"networks\" " + address + "\"10.66.0.0/x\""},
        {"\"9.9.9.9\"", "\"9.9.9.9:53\"", 12,
         "\"dns\" must be an IP address such as \"10.66.0.1\" or \"fd66::1\", found \"9.9.9.9:53\""},
        {"\"nat\": \"auto\"", "\"nat\": true", 13, nat + "true"},
        {"\"nat\": \"auto\"", "\"nat\": \"false\"", 13, nat + "\"false\""},
        {"\"nat\": \"auto\"", "\"nat\": \"eth0; drop\"", 13, nat + "\"eth0; drop\""},
        {"\"isolate_peers\": true", "\"isolate_peers\": \"yes\"", 14, "\"isolate_peers\" must be true or false, found \"yes\""},
        {"\"host_services\": []", "\"metrics\": \"0.0.0.0:9586\"", 15,
         "\"metrics\" can't be used: \"0.0.0.0:9586\" can be reached from outside, and whoever asks there is told who is "
         "connected "
         "and how much they send: expected \"127.0.0.1:PORT\", \"[::1]:PORT\" or \"unix:/absolute/path\""},
        {"\"host_services\": []", "\"metrics\": true", 15,
         "\"metrics\" must be a string such as \"127.0.0.1:9586\", or false, found true"},
        {"\"host_services\": []", "\"host_services\": \"*\"", 15, "\"host_services\" must be an array, found \"*\""},
        {"\"host_services\": []", "\"host_services\": [53]", 15, service + "53"},
        {"\"host_services\": []", "\"host_services\": [\"53\"]", 15, service + "\"53\""},
        {"\"laptop\"", "\"lap\\u001b]0;x\\u0007top\"", 18,
         "\"name\" must be 1 to 63 bytes of printable text without / and without a space at either end, found "
         "\"lap\\x1b]0;x\\x07top\""},
        {"\"disabled\": false", "\"disabled\": 0", 24, "\"disabled\" must be true or false, found 0"},
    });
}

TEST_CASE("a peer's limits are read, and what is none is refused by name") {
    const auto instant = std::string(expected_instant), quota = std::string(expected_quota), rate = std::string(expected_rate);
    check_faults({
        {"\"disabled\": false", "\"expires\": \"tomorrow\"", 24, "\"expires\" must be " + instant + ", found \"tomorrow\""},
        {"\"disabled\": false", "\"expires\": 1798761600", 24, "\"expires\" must be " + instant + ", found 1798761600"},
        {"\"disabled\": false", "\"quota\": 100", 24, "\"quota\" must be " + quota + ", found 100"},
        {"\"disabled\": false", "\"quota\": \"0GB\"", 24, "\"quota\" must be " + quota + ", found \"0GB\""},
        {"\"disabled\": false", "\"rate\": \"50\"", 24, "\"rate\" must be " + rate + ", found \"50\""},
    });
    const auto config = decode_server(
        samples::with(samples::server_file(), "\"disabled\": false",
                      "\"expires\": \"2027-01-01T00:00:00Z\", \"quota\": \"100GB\", \"rate\": \"50mbit\", \"disabled\": false"),
        "server.json");
    REQUIRE(config);
    CHECK(config->peers[0].limits == PeerLimits{.expires = Wall(std::chrono::seconds(1798761600)),
                                                .quota = ByteCount{100'000'000'000},
                                                .rate = BitRate{50'000'000}});
    check_faults({{"\"suite\": \"wireguard\",\n      \"addresses\": [\"10.66.0.2/32\"",
                   "\"suite\": \"quantum\",\n      \"addresses\": [\"10.66.0.2/32\"", 21,
                   "\"suite\" must be \"hybrid\" or \"wireguard\", found \"quantum\""}});
}

TEST_CASE("a server's file must make sense as a whole") {
    check_faults({
        {"[\"10.66.0.1/24\", \"fd66::1/64\"]", "[]", 7, "the interface needs at least one address"},
        {"\"auto\"\n", "1000\n", 8, "the MTU must be at least 1280 on an interface with IPv6, found 1000"},
        {"[\"10.66.0.0/24\", \"fd66::/64\"]", "[]", 11, "\"networks\" is empty: peers' addresses must come from somewhere"},
        {"\"networks\": [\"10.66.0.0/24\"", "\"networks\": [\"10.66.0.0/24\", \"10.66.0.128/25\"", 11,
         "the network 10.66.0.128/25 overlaps 10.66.0.0/24"},
        {"\"nat\": \"auto\"", "\"nat\": \"vpns\"", 13,
         "\"nat\" names the tunnel itself: it must be the interface that leads to the internet"},
        {"\"phone\"", "\"laptop\"", 27, "the name \"laptop\" belongs to two peers"},
        {std::string(samples::other_public_key), "PUBLIC", 28,
         "the public key of peer \"phone\" already belongs to peer \"laptop\""},
        {std::string(samples::other_public_key), "OWN", 28,
         "the public key of peer \"phone\" is this side's own: it must be the other side's"},
        {"\"10.66.0.3/32\"", "\"10.66.0.3/24\"", 30, "a peer's address must be a single host, 10.66.0.3/32, found 10.66.0.3/24"},
        {"\"10.66.0.3/32\"", "\"10.67.0.3/32\"", 30, "the address 10.67.0.3/32 lies in none of \"networks\""},
        {"\"10.66.0.3/32\"", "\"10.66.0.1/32\"", 30, "the address 10.66.0.1/32 is the server's own"},
        {"\"10.66.0.3/32\"", "\"10.66.0.2/32\"", 30, "10.66.0.2/32 of peer \"phone\" already belongs to peer \"laptop\""},
        {"\"10.66.0.3/32\"", "\"10.66.0.3/32\", \"10.66.0.3\"", 30, "10.66.0.3/32 is listed twice for peer \"phone\""},
        {"\"192.168.7.0/24\"", "\"10.66.0.2\"", 31, "10.66.0.2/32 of peer \"phone\" already belongs to peer \"laptop\""},
        {"\"192.168.7.0/24\"", "\"fd66::1\"", 31, "the address fd66::1/128 is the server's own"},
        {"\"addresses\": [\"10.66.0.3/32\"],\n      \"allowed_ips\": [\"192.168.7.0/24\"],", "\"addresses\": [],", 30,
         "peer \"phone\" has neither \"addresses\" nor \"allowed_ips\""},
    });
}

TEST_CASE("a network behind a peer needs no address in the tunnel") {
    const std::string text = samples::with(server_file(), "\"addresses\": [\"10.66.0.3/32\"],", "");
    const auto decoded = decode_server(text, "s.json");
    REQUIRE_MESSAGE(decoded, fault_text(decoded));
    CHECK(decoded->peers[1].addresses.empty());
}

TEST_CASE("a hundred thousand peers are read and found in order") {
    ServerConfig config = *decode_server(server_file(), "s.json");
    config.peers.clear();
    config.networks = {prefix("10.0.0.0/8")};
    config.interface.addresses = {prefix("10.255.0.1/8")};
    for (std::uint32_t i = 1; i <= 100'000; ++i) {
        ServerPeer peer;
        peer.name = "peer-" + std::to_string(i);
        store_be(peer.public_key.bytes.data(), i);
        ByteArray<4> address{};
        store_be(address.data(), 0x0a000000U + i);
        peer.addresses = {Prefix(IpAddress::v4(address), 32)};
        config.peers.push_back(std::move(peer));
    }
    const auto again = decode_server(encode(config), "s.json");
    REQUIRE_MESSAGE(again, fault_text(again));
    CHECK(*again == config);
}

} // namespace vpn::config
