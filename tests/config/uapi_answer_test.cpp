// PROTOCOL 4, "UAPI": what a get is answered.
#include "common/config/uapi_answer.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::config;
using namespace std::chrono_literals;

TEST_CASE("an interface that nobody told anything has no key, no mark and no peers") {
    CHECK(format_uapi_answer({{}, Port{40000}, {}}, {}) == "listen_port=40000\nerrno=0\n\n");
}

TEST_CASE("everything that is known is told: keys in lower-case hex, the handshake's seconds before its nanoseconds") {
    UapiDeviceFacts device{{}, Port{51820}, Mark{51}};
    device.private_key.mutable_view().front() = std::byte{0xAB};
    UapiPeerFacts peer;
    peer.public_key.bytes.back() = std::byte{0xCD};
    peer.preshared_key.mutable_view().back() = std::byte{0xEF};
    peer.endpoint = Endpoint::parse("[fe80::1%3]:9");
    peer.last_handshake = Wall(1700000000s + 5ns);
    peer.sent = {148};
    peer.received = {92};
    peer.persistent_keepalive = 25s;
    peer.allowed_ips = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("fd66::/64")};
    UapiPeerFacts silent;
    silent.public_key.bytes.back() = std::byte{1};
    std::vector<UapiPeerFacts> peers;
    peers.push_back(std::move(peer));
    peers.push_back(std::move(silent));
    const std::string zeros(62, '0');
    CHECK(format_uapi_answer(device, peers) == "private_key=ab" + zeros +
                                                   "\n"
                                                   "listen_port=51820\n"
                                                   "fwmark=51\n"
                                                   "public_key=" +
                                                   zeros +
                                                   "cd\n"
                                                   "preshared_key=" +
                                                   zeros +
                                                   "ef\n"
                                                   "protocol_version=1\n"
                                                   "endpoint=[fe80::1%3]:9\n"
                                                   "last_handshake_time_sec=1700000000\n"
                                                   "last_handshake_time_nsec=5\n"
                                                   "tx_bytes=148\n"
                                                   "rx_bytes=92\n"
                                                   "persistent_keepalive_interval=25\n"
                                                   "allowed_ip=0.0.0.0/0\n"
                                                   "allowed_ip=fd66::/64\n"
                                                   "public_key=" +
                                                   zeros +
                                                   "01\n"
                                                   "protocol_version=1\n"
                                                   "last_handshake_time_sec=0\n"
                                                   "last_handshake_time_nsec=0\n"
                                                   "tx_bytes=0\n"
                                                   "rx_bytes=0\n"
                                                   "persistent_keepalive_interval=0\n"
                                                   "errno=0\n\n");
}

TEST_CASE("errors are negative for a set and positive for a get") {
    CHECK(format_uapi_end(0, true) == "errno=0\n\n");
    CHECK(format_uapi_end(0, false) == "errno=0\n\n");
    CHECK(format_uapi_end(22, true) == "errno=22\n\n");
    CHECK(format_uapi_end(22, false) == "errno=-22\n\n");
}
