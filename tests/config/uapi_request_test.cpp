// PROTOCOL 4, "UAPI": what a request says, and what becomes of bad ones.
#include "common/config/uapi_request.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <initializer_list>

using namespace vpn;
using namespace vpn::config;
using namespace std::chrono_literals;

namespace {

const std::string key_text(64, 'a');
const std::string other_key_text = std::string(62, '0') + "b0";

std::optional<std::uint32_t> scope_of(const std::string& name) { return name == "eth0" ? std::optional(7U) : std::nullopt; }

/// What comes of lines and the empty one behind them.
UapiRequest request_of(std::initializer_list<std::string> lines) {
    UapiParser parser(scope_of);
    for (const std::string& line : lines) REQUIRE_FALSE(parser.handle_line(line).has_value());
    auto request = parser.handle_line("");
    REQUIRE(request.has_value());
    return std::move(*request);
}

UapiSet set_of(std::initializer_list<std::string> lines) {
    UapiRequest request = request_of(lines);
    REQUIRE(std::holds_alternative<UapiSet>(request));
    return std::get<UapiSet>(std::move(request));
}

/// The one peer of a set, of which `line` is all that is said.
UapiPeer peer_with(const std::string& line) {
    UapiSet set = set_of({"set=1", "public_key=" + key_text, line});
    REQUIRE(set.peers.size() == 1);
    return std::move(set.peers.front());
}

int error_of(std::initializer_list<std::string> lines) {
    const UapiRequest request = request_of(lines);
    const auto* refusal = std::get_if<UapiRefusal>(&request);
    return refusal == nullptr ? 0 : refusal->error;
}

int error_of_peer_line(const std::string& line) { return error_of({"set=1", "public_key=" + key_text, line}); }

} // namespace

TEST_CASE("get=1 and an empty line is a get") {
    CHECK(std::holds_alternative<UapiGet>(request_of({"get=1"})));
    CHECK(error_of({"get=1", "listen_port=1"}) == EINVAL);
}

TEST_CASE("there are many operations on a connection, and empty lines between them are none") {
    UapiParser parser(scope_of);
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(parser.handle_line("").has_value());
        CHECK_FALSE(parser.handle_line("get=1").has_value());
        CHECK(std::holds_alternative<UapiGet>(parser.handle_line("").value()));
        CHECK_FALSE(parser.handle_line("set=1").has_value());
        CHECK_FALSE(parser.handle_line("fwmark=1").has_value());
        CHECK(std::get<UapiSet>(parser.handle_line("").value()).mark == Mark{1});
    }
}

TEST_CASE("a set that says nothing changes nothing") {
    const UapiSet set = set_of({"set=1"});
    CHECK_FALSE(set.private_key.has_value());
    CHECK_FALSE(set.listen_port.has_value());
    CHECK_FALSE(set.mark.has_value());
    CHECK_FALSE(set.replace_peers);
    CHECK(set.peers.empty());
}

TEST_CASE("the keys of a device") {
    const UapiSet set =
        set_of({"set=1", "private_key=" + key_text, "listen_port=51820", "fwmark=4294967295", "replace_peers=true"});
    CHECK(format_hex(set.private_key->view()) == key_text);
    CHECK(set.listen_port == Port{51820});
    CHECK(set.mark == Mark{0xffffffff});
    CHECK(set.replace_peers);
    CHECK(set_of({"set=1", "private_key=" + std::string(64, '0')}).private_key->is_zero());
    CHECK(set_of({"set=1", "fwmark=0"}).mark == Mark{0});
    CHECK(set_of({"set=1", "listen_port=0"}).listen_port == Port{0});
}

TEST_CASE("public_key starts a peer, and what follows is its") {
    const UapiSet set =
        set_of({"set=1", "public_key=" + key_text, "allowed_ip=10.0.0.1/32", "public_key=" + other_key_text,
                "allowed_ip=fd66::/64", "persistent_keepalive_interval=25", "public_key=" + key_text, "remove=true"});
    REQUIRE(set.peers.size() == 3);
    CHECK(format_hex(set.peers[0].public_key.bytes) == key_text);
    CHECK(set.peers[0].allowed_ips.at(0).prefix.to_string() == "10.0.0.1/32");
    CHECK_FALSE(set.peers[0].remove);
    CHECK_FALSE(set.peers[0].persistent_keepalive.has_value());
    CHECK(format_hex(set.peers[1].public_key.bytes) == other_key_text);
    CHECK(set.peers[1].persistent_keepalive == 25s);
    CHECK(set.peers[2].remove);
}

TEST_CASE("the keys of a peer") {
    CHECK(peer_with("remove=true").remove);
    CHECK(peer_with("update_only=true").update_only);
    CHECK(peer_with("replace_allowed_ips=true").replace_allowed_ips);
    CHECK(format_hex(peer_with("preshared_key=" + other_key_text).preshared_key->view()) == other_key_text);
    CHECK(peer_with("persistent_keepalive_interval=65535").persistent_keepalive == 65535s);
    CHECK(peer_with("persistent_keepalive_interval=0").persistent_keepalive == 0s);
    CHECK(peer_with("endpoint=192.0.2.1:51820").endpoint->to_string() == "192.0.2.1:51820");
    CHECK(peer_with("endpoint=[2001:db8::1]:9").endpoint->to_string() == "[2001:db8::1]:9");
    const UapiPeer silent = peer_with("protocol_version=1");
    CHECK_FALSE(silent.remove);
    CHECK_FALSE(silent.update_only);
    CHECK_FALSE(silent.replace_allowed_ips);
    CHECK_FALSE(silent.preshared_key.has_value());
    CHECK_FALSE(silent.endpoint.has_value());
    CHECK_FALSE(silent.persistent_keepalive.has_value());
    CHECK(silent.allowed_ips.empty());
}

TEST_CASE("a link-local endpoint names its interface, or numbers it") {
    CHECK(peer_with("endpoint=[fe80::1%3]:9").endpoint->scope == 3);
    CHECK(peer_with("endpoint=[fe80::1%eth0]:9").endpoint->scope == 7);
    CHECK(error_of_peer_line("endpoint=[fe80::1%eth9]:9") == ENODEV);
}

TEST_CASE("an allowed IP loses its host bits, and goes with a minus in front") {
    const UapiPeer added = peer_with("allowed_ip=10.0.0.77/24");
    CHECK(added.allowed_ips.at(0).prefix.to_string() == "10.0.0.0/24");
    CHECK_FALSE(added.allowed_ips.at(0).remove);
    const UapiPeer removed = peer_with("allowed_ip=-fd66::1/128");
    CHECK(removed.allowed_ips.at(0).prefix.to_string() == "fd66::1/128");
    CHECK(removed.allowed_ips.at(0).remove);
}

TEST_CASE("replace_allowed_ips replaces those above it too") {
    const UapiSet set = set_of(
        {"set=1", "public_key=" + key_text, "allowed_ip=10.0.0.0/24", "replace_allowed_ips=true", "allowed_ip=10.0.1.0/24"});
    REQUIRE(set.peers.at(0).allowed_ips.size() == 1);
    CHECK(set.peers[0].allowed_ips[0].prefix.to_string() == "10.0.1.0/24");
}

TEST_CASE("remove, update_only and replace_* take only true") {
    for (const char* key : {"remove", "update_only", "replace_allowed_ips"})
        for (const char* value : {"false", "", "1", "True", "true "})
            CHECK(error_of_peer_line(std::string(key) + '=' + value) == EINVAL);
    CHECK(error_of({"set=1", "replace_peers=false"}) == EINVAL);
}

TEST_CASE("what means nothing is refused") {
    for (const std::string line :
         {"listen_port=65536", "listen_port=-1", "listen_port=", "listen_port=0x10", "fwmark=4294967296", "fwmark=off",
          "private_key=aa", "private_key=", "public_key=zz", "errno=0", "colour=red", "=", "=1"})
        CHECK(error_of({"set=1", line}) == EINVAL);
    for (const std::string line :
         {"preshared_key=1", "endpoint=example.org:1", "endpoint=192.0.2.1", "endpoint=192.0.2.1:0", "endpoint=2001:db8::1:9",
          "endpoint=[192.0.2.1]:9", "endpoint=[::1", "endpoint=]%[", "persistent_keepalive_interval=65536",
          "persistent_keepalive_interval=off", "allowed_ip=10.0.0.0/33", "allowed_ip=", "allowed_ip=--10.0.0.0/8",
          "protocol_version=2", "rx_bytes=1", "last_handshake_time_sec=1", "colour=red"})
        CHECK(error_of_peer_line(line) == EINVAL);
    CHECK(error_of({"set=1", "fwmark"}) == EPROTO);
    CHECK(error_of({"set=2"}) == EPROTO);
    CHECK(error_of({"get=2"}) == EPROTO);
    CHECK(error_of({"hello"}) == EPROTO);
    CHECK(error_of({"set=1", "fwmark=" + std::string(2000, '1')}) == EPROTO);
}

TEST_CASE("keys of the device come before the first peer") {
    CHECK(error_of_peer_line("listen_port=1") == EINVAL);
    CHECK(error_of_peer_line("replace_peers=true") == EINVAL);
    CHECK(error_of({"set=1", "allowed_ip=10.0.0.0/8"}) == EINVAL);
}

TEST_CASE("after a bad line, everything up to the empty line is passed over, and the next request is a new one") {
    UapiParser parser(scope_of);
    for (const char* line : {"set=1", "listen_port=x", "listen_port=1", "get=1", "nonsense"})
        REQUIRE_FALSE(parser.handle_line(line).has_value());
    const auto refused = parser.handle_line("");
    REQUIRE(refused.has_value());
    CHECK(std::get<UapiRefusal>(*refused).error == EINVAL);
    REQUIRE_FALSE(parser.handle_line("get=1").has_value());
    CHECK(std::holds_alternative<UapiGet>(parser.handle_line("").value()));
}

TEST_CASE("a refusal says whether it is of a get, where it was and which key, and never a key's value") {
    CHECK(std::get<UapiRefusal>(request_of({"get=1", "x=1"})).of_get);
    CHECK(std::get<UapiRefusal>(request_of({"get=7"})).of_get);
    CHECK_FALSE(std::get<UapiRefusal>(request_of({"hello"})).of_get);
    const auto refusal = std::get<UapiRefusal>(request_of({"set=1", "fwmark=1", "private_key=secret"}));
    CHECK_FALSE(refusal.of_get);
    CHECK(refusal.why == "line 3: private_key");
    for (const char* line : {"private_key secret", "c2VjcmV0IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzLg==", "0123=4"})
        CHECK(std::get<UapiRefusal>(request_of({"set=1", line})).why == "line 2: ");
}

TEST_CASE("a request that is refused from outside is swallowed to its end, and the next is taken") {
    UapiParser parser([](const std::string&) { return std::nullopt; });
    for (const std::string_view first : {"set=1", "get=1"}) {
        CHECK_FALSE(parser.handle_line(first));
        parser.refuse(12);
        CHECK_FALSE(parser.handle_line("listen_port=1"));
        const auto refused = parser.handle_line("");
        REQUIRE(refused);
        CHECK(std::get<UapiRefusal>(*refused).error == 12);
        CHECK(std::get<UapiRefusal>(*refused).of_get == first.starts_with("get"));
    }
    CHECK_FALSE(parser.handle_line("get=1"));
    CHECK(std::holds_alternative<UapiGet>(parser.handle_line("").value()));
}
