// A connection that has been up for a while.
#pragma once

#include "vpn-client/report.hpp"

namespace vpn::client {

inline Report connected_laptop() {
    using namespace std::chrono_literals;
    PeerReport peer;
    peer.name = "vps";
    peer.public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    peer.suite = "wireguard";
    peer.has_preshared_key = true;
    peer.endpoint = "198.51.100.10:51820";
    peer.allowed_ips = {"0.0.0.0/0", "::/0"};
    peer.persistent_keepalive = 25;
    peer.handshake_age = 12s;
    peer.has_session = true;
    peer.received = ByteCount{1'258'291};
    peer.sent = ByteCount{812};
    Report report;
    report.name = "laptop";
    report.file = "/etc/vpn/laptop.json";
    report.interface = "laptop";
    report.process = 4711;
    report.state = State::connected;
    report.because = "the server answered a handshake 12 seconds ago";
    report.uptime = 3600s;
    report.addresses = {"10.66.0.2/32", "fd66::2/128"};
    report.mtu = 1420;
    report.path_mtu = 1500;
    report.listen_port = 40000;
    report.routes = {"0.0.0.0/0", "::/0"};
    report.excluded = {"192.168.0.0/16"};
    report.apart = true;
    report.full_tunnel = true;
    report.full_families = {"ipv4", "ipv6"};
    report.dns = {{"9.9.9.9"}, {"corp.example"}, {}, true, "systemd-resolved", true};
    report.lock = LockState::paused;
    report.pause_left = 272s;
    report.rate = {125'000, 0};
    report.peak_rate = {1'250'000, 125'000};
    report.round_trip = 23ms;
    report.loss = 3;
    report.peers = {peer};
    report.drops = {{"bad-mac1", 3}};
    return report;
}

} // namespace vpn::client
