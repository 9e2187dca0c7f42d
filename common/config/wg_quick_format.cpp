#include "common/config/wg_quick.hpp"

namespace vpn::config {
namespace {

template <class Items> std::string joined(const Items& items) {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ", ") + item.to_string();
    return text;
}

void append(std::string& text, std::string_view key, const std::string& value) {
    if (!value.empty()) text.append(key).append(" = ").append(value).append("\n");
}

void append_key(std::string& text, std::string_view name, std::string key) {
    append(text, name, key);
    wipe(std::as_writable_bytes(std::span(key.data(), key.size())));
}

void append_peer(std::string& text, const ClientPeer& peer) {
    text += "\n[Peer]\n";
    if (!peer.name.empty()) text += "# " + peer.name + '\n';
    append(text, "PublicKey", peer.public_key.to_string());
    if (!peer.preshared_key.is_zero()) append_key(text, "PresharedKey", peer.preshared_key.reveal());
    if (peer.endpoint) append(text, "Endpoint", peer.endpoint->to_string());
    append(text, "AllowedIPs", joined(peer.allowed_ips));
    if (peer.persistent_keepalive.count() != 0)
        append(text, "PersistentKeepalive", std::to_string(peer.persistent_keepalive.count()));
}

} // namespace

std::string format_wg_quick(const ClientConfig& config) {
    const ClientInterface& interface = config.interface;
    std::string text = "[Interface]\n";
    if (!interface.private_key.is_zero()) append_key(text, "PrivateKey", interface.private_key.reveal());
    append(text, "Address", joined(interface.addresses));
    std::string dns = joined(interface.dns);
    for (const std::string& domain : interface.dns_domains) dns += (dns.empty() ? "" : ", ") + domain;
    append(text, "DNS", dns);
    if (interface.mtu) append(text, "MTU", std::to_string(*interface.mtu));
    if (interface.listen_port) append(text, "ListenPort", std::to_string(interface.listen_port->value));
    if (!interface.routes) append(text, "Table", "off");
    for (const ClientPeer& peer : config.peers) append_peer(text, peer);
    return text;
}

} // namespace vpn::config
