#include "common/config/client_config.hpp"

#include "common/config/fields.hpp"
#include "common/config/limits.hpp"
#include "common/config/names.hpp"
#include "common/config/rules.hpp"
#include "common/crypto/x25519.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

namespace vpn::config {
namespace {

constexpr std::array<std::string_view, 3> file_keys{"version", "interface", "peers"};
constexpr std::array<std::string_view, 13> interface_keys{
    "name",     "private_key", "public_key", "listen_port",    "addresses", "dns",         "mtu",
    "offloads", "routes",      "lock",       "local_networks", "probe",     "portal_check"};
constexpr std::array<std::string_view, 7> peer_keys{"name",        "public_key",           "preshared_key", "endpoint",
                                                    "allowed_ips", "persistent_keepalive", "suite"};

HostPort read_endpoint(const Field& field) {
    const std::string text = read_text(field, "a string such as \"vpn.example.org:51820\"");
    auto endpoint = text.empty() ? Result<HostPort>(failed("expected HOST:PORT, found nothing")) : HostPort::parse(text);
    if (!endpoint) field.complain("is no endpoint: " + endpoint.error().message);
    return endpoint ? std::move(*endpoint) : HostPort();
}

/// One server, or a list of them.
void read_endpoints(const Field& field, ClientPeer& peer) {
    std::vector<HostPort> all;
    if (field.json.as_array() == nullptr)
        all.push_back(read_endpoint(field));
    else if (all = read_list(field, limits::endpoints, read_endpoint); all.empty())
        return field.complain("names no server");
    peer.endpoint = std::move(all.front());
    peer.more_endpoints.assign(std::next(all.begin()), all.end());
}

Json endpoints_json(const ClientPeer& peer) {
    if (peer.more_endpoints.empty()) return peer.endpoint->to_string();
    std::vector<HostPort> all{*peer.endpoint};
    all.insert(all.end(), peer.more_endpoints.begin(), peer.more_endpoints.end());
    return text_list(all);
}

std::string read_dns_entry(const Field& field) {
    const std::string* text = field.json.as_string();
    if (text != nullptr && (IpAddress::parse(*text) || is_dns_domain(*text))) return *text;
    field.refuse("an IP address such as \"10.66.0.1\", or a domain such as \"corp.example\" or \"~corp.example\"");
    return {};
}

void read_dns(const Field& list, ClientInterface& interface) {
    for (std::string& entry : read_list(list, limits::dns, read_dns_entry)) {
        if (const auto server = IpAddress::parse(entry))
            interface.dns.push_back(*server);
        else
            interface.dns_domains.push_back(std::move(entry));
    }
}

std::optional<HttpUrl> read_portal_check(const Field& field) {
    const std::string expected = "an address such as \"" + well_known_portal_check().to_string() + "\", or false";
    if (field.json.as_bool() == false) return std::nullopt;
    const std::string* text = field.json.as_string();
    if (text == nullptr) {
        field.refuse(expected);
        return std::nullopt;
    }
    auto url = HttpUrl::parse(*text);
    if (!url) field.complain("is no address that can be asked: " + url.error().message);
    return url ? std::optional(std::move(*url)) : std::nullopt;
}

Json dns_json(const ClientInterface& interface) {
    Json list = text_list(interface.dns);
    for (const std::string& domain : interface.dns_domains) list.push(domain);
    return list;
}

ClientInterface read_interface(const Field& field, const KeyReader& reader) {
    const Fields fields(field.json, "\"interface\"", interface_keys, field.faults);
    ClientInterface interface;
    if (const auto name = fields.get("name")) interface.name = read_interface_name(*name);
    if (const auto key = fields.get("public_key")) {
        std::string nowhere;
        interface.public_key = read_key<crypto::PublicKey>(*key, {}, nowhere);
        if (fields.get("private_key")) key->complain("stands in place of a private key, and here is one: take it out");
    } else if (const auto secret = fields.require("private_key")) {
        interface.private_key = read_key<crypto::PrivateKey>(*secret, reader, interface.private_key_file);
    }
    if (const auto port = fields.get("listen_port")) interface.listen_port = read_port(*port);
    if (const auto list = fields.require("addresses")) interface.addresses = read_list(*list, limits::addresses, read_prefix);
    if (const auto list = fields.get("dns")) read_dns(*list, interface);
    if (const auto mtu = fields.get("mtu")) interface.mtu = read_mtu(*mtu);
    if (const auto offloads = fields.get("offloads")) interface.offloads = read_bool(*offloads);
    if (const auto routes = fields.get("routes")) interface.routes = read_bool(*routes);
    if (const auto lock = fields.get("lock")) interface.lock = read_bool(*lock);
    if (const auto list = fields.get("local_networks"))
        interface.local_networks =
            read_list(*list, limits::local_networks, [](const Field& item) { return read_prefix(item).network(); });
    if (const auto probe = fields.get("probe")) interface.probe = read_address(*probe);
    if (const auto check = fields.get("portal_check")) interface.portal_check = read_portal_check(*check);
    return interface;
}

AllowedIp read_allowed_ip(const Field& field) {
    const std::string* text = field.json.as_string();
    if (text == nullptr || !text->starts_with('!')) return {read_prefix(field).network(), false};
    const auto ip = AllowedIp::parse(*text);
    if (!ip) field.refuse("an IP prefix behind the !, as in \"!192.168.0.0/16\"");
    return ip.value_or(AllowedIp());
}

void read_allowed_ips(const Field& field, ClientPeer& peer) {
    std::vector<AllowedIp> list = read_list(field, limits::allowed_ips, read_allowed_ip);
    const std::size_t exclusions = prefixes_of(list, true).size();
    if (exclusions > limits::exclusions)
        return field.complain("excludes more than " + std::to_string(limits::exclusions) + " prefixes");
    peer.allowed_ips = remaining(list);
    if (exclusions > 0) peer.written_ips = std::move(list);
}

ClientPeer read_peer(const Field& field, const KeyReader& reader) {
    const Fields fields(field.json, "a peer", peer_keys, field.faults);
    ClientPeer peer;
    if (const auto name = fields.get("name")) peer.name = read_peer_name(*name);
    if (const auto key = fields.require("public_key"))
        peer.public_key = read_key<crypto::PublicKey>(*key, reader, peer.public_key_file);
    if (const auto key = fields.get("preshared_key"))
        peer.preshared_key = read_key<crypto::PresharedKey>(*key, reader, peer.preshared_key_file);
    if (const auto endpoint = fields.get("endpoint")) read_endpoints(*endpoint, peer);
    if (const auto list = fields.require("allowed_ips")) read_allowed_ips(*list, peer);
    if (const auto keepalive = fields.get("persistent_keepalive"))
        peer.persistent_keepalive = std::chrono::seconds(read_integer(*keepalive, 0, 65535));
    if (const auto suite = fields.get("suite")) peer.suite = read_suite(*suite);
    return peer;
}

ClientConfig read_config(const Json& json, const KeyReader& reader, Faults& faults) {
    require_version_1(json, faults);
    const Fields fields(json, "the file", file_keys, faults);
    ClientConfig config;
    if (const auto interface = fields.require("interface")) config.interface = read_interface(*interface, reader);
    if (const auto peers = fields.require("peers"))
        config.peers = read_list(*peers, limits::client_peers, [&](const Field& item) { return read_peer(item, reader); });
    return config;
}

Json interface_json(const ClientInterface& interface) {
    Json json = Json::object();
    if (!interface.name.empty()) json.set("name", interface.name);
    if (interface.public_key)
        json.set("public_key", interface.public_key->to_string());
    else
        json.set("private_key", key_json(interface.private_key, interface.private_key_file));
    if (interface.listen_port) json.set("listen_port", interface.listen_port->value);
    json.set("addresses", text_list(interface.addresses));
    if (!interface.dns.empty() || !interface.dns_domains.empty()) json.set("dns", dns_json(interface));
    json.set("mtu", mtu_json(interface.mtu));
    if (!interface.offloads) json.set("offloads", false);
    if (!interface.routes) json.set("routes", false);
    if (interface.lock) json.set("lock", true);
    if (!interface.local_networks.empty()) json.set("local_networks", text_list(interface.local_networks));
    if (interface.probe) json.set("probe", interface.probe->to_string());
    if (!interface.portal_check)
        json.set("portal_check", false);
    else if (*interface.portal_check != well_known_portal_check())
        json.set("portal_check", interface.portal_check->to_string());
    return json;
}

Json peer_json(const ClientPeer& peer) {
    Json json = Json::object();
    if (!peer.name.empty()) json.set("name", peer.name);
    json.set("public_key", key_json(peer.public_key, peer.public_key_file));
    if (!peer.preshared_key.is_zero() || !peer.preshared_key_file.empty())
        json.set("preshared_key", key_json(peer.preshared_key, peer.preshared_key_file));
    if (peer.endpoint) json.set("endpoint", endpoints_json(peer));
    json.set("allowed_ips", peer.written_ips.empty() ? text_list(peer.allowed_ips) : text_list(peer.written_ips));
    if (peer.persistent_keepalive.count() != 0) json.set("persistent_keepalive", peer.persistent_keepalive.count());
    json.set("suite", crypto::name_of(peer.suite));
    return json;
}

auto plain_parts(const ClientInterface& i) {
    return std::tie(i.name, i.private_key_file, i.public_key, i.listen_port, i.addresses, i.dns, i.dns_domains, i.mtu, i.offloads,
                    i.routes, i.lock, i.local_networks, i.probe, i.portal_check);
}
auto plain_parts(const ClientPeer& p) {
    return std::tie(p.name, p.public_key, p.public_key_file, p.preshared_key_file, p.endpoint, p.more_endpoints, p.allowed_ips,
                    p.written_ips, p.persistent_keepalive, p.suite);
}

std::optional<Problem> check_lock(const ClientInterface& interface) {
    if (!interface.lock && !interface.local_networks.empty())
        return Problem{"interface.local_networks", "networks are named for the lock to leave open, and there is no lock"};
    for (std::size_t i = 0; i < interface.local_networks.size(); ++i)
        if (interface.local_networks[i].bits() == 0)
            return Problem{item_path("interface.local_networks", i),
                           "everything is no local network: a lock that leaves it open is none"};
    return std::nullopt;
}

std::optional<Problem> check_peer(const ClientPeer& peer, std::size_t index, PeerRules& rules) {
    if (auto problem = rules.add_peer(peer.name, peer.public_key)) return problem;
    for (auto each = peer.more_endpoints.begin(); each != peer.more_endpoints.end(); ++each)
        if (*each == peer.endpoint || std::find(peer.more_endpoints.begin(), each, *each) != each)
            return Problem{peer_path(index, "endpoint"), "the endpoint " + each->to_string() + " is listed twice"};
    const std::string list = peer_path(index, "allowed_ips");
    for (std::size_t i = 0; i < peer.written_ips.size(); ++i)
        if (!peer.written_ips[i].excluded)
            if (auto problem = rules.add_prefix(peer.written_ips[i].prefix, item_path(list, i))) return problem;
    if (!peer.written_ips.empty()) return check_exclusions(peer.written_ips, list);
    if (peer.allowed_ips.empty())
        return Problem{list, "a peer without allowed IPs gets no packet: for everything, list 0.0.0.0/0 and ::/0"};
    for (std::size_t i = 0; i < peer.allowed_ips.size(); ++i)
        if (auto problem = rules.add_prefix(peer.allowed_ips[i], item_path(list, i))) return problem;
    return std::nullopt;
}

} // namespace

ClientConfig ClientConfig::clone() const {
    ClientConfig copy;
    copy.interface = {.name = interface.name,
                      .private_key = interface.private_key.clone(),
                      .private_key_file = interface.private_key_file,
                      .public_key = interface.public_key,
                      .listen_port = interface.listen_port,
                      .addresses = interface.addresses,
                      .dns = interface.dns,
                      .dns_domains = interface.dns_domains,
                      .mtu = interface.mtu,
                      .offloads = interface.offloads,
                      .routes = interface.routes,
                      .lock = interface.lock,
                      .local_networks = interface.local_networks,
                      .probe = interface.probe,
                      .portal_check = interface.portal_check};
    copy.peers.reserve(peers.size());
    for (const ClientPeer& peer : peers)
        copy.peers.push_back({.name = peer.name,
                              .public_key = peer.public_key,
                              .public_key_file = peer.public_key_file,
                              .preshared_key = peer.preshared_key.clone(),
                              .preshared_key_file = peer.preshared_key_file,
                              .endpoint = peer.endpoint,
                              .more_endpoints = peer.more_endpoints,
                              .allowed_ips = peer.allowed_ips,
                              .written_ips = peer.written_ips,
                              .persistent_keepalive = peer.persistent_keepalive,
                              .suite = peer.suite});
    return copy;
}

bool operator==(const ClientInterface& a, const ClientInterface& b) {
    return plain_parts(a) == plain_parts(b) && equal_in_constant_time(a.private_key, b.private_key);
}

bool operator==(const ClientPeer& a, const ClientPeer& b) {
    return plain_parts(a) == plain_parts(b) && equal_in_constant_time(a.preshared_key, b.preshared_key);
}

std::optional<Problem> check(const ClientConfig& config) {
    if (!config.interface.name.empty() && !is_interface_name(config.interface.name))
        return Problem{"interface.name", "an interface's name must be " + std::string(interface_name_rule)};
    if (!config.interface.public_key)
        if (auto problem = check_private_key(config.interface.private_key)) return problem;
    if (auto problem = check_addresses(config.interface.addresses, config.interface.mtu)) return problem;
    if (auto problem = check_lock(config.interface)) return problem;
    if (config.peers.empty()) return Problem{"peers", "there is no peer to connect to"};
    PeerRules rules({config.interface.public_key.value_or(crypto::public_key_of(config.interface.private_key))});
    bool reachable = false;
    for (std::size_t i = 0; i < config.peers.size(); ++i) {
        if (auto problem = check_peer(config.peers[i], i, rules)) return problem;
        reachable = reachable || config.peers[i].endpoint.has_value();
    }
    std::vector<PeerIps> ips;
    ips.reserve(config.peers.size());
    for (const ClientPeer& peer : config.peers) ips.push_back({peer.written_ips, peer.allowed_ips});
    if (auto problem = check_overlaps(ips)) return problem;
    if (!reachable) return Problem{"peers", "no peer has an endpoint, so there is nobody to connect to"};
    return std::nullopt;
}

Parsed<ClientConfig> decode_client_or_answer(std::string_view text, std::string_view file, const KeyReader& read_key) {
    auto json = parse(text);
    if (!json) {
        json.error().file = file;
        return tl::unexpected(std::move(json.error()));
    }
    Faults faults;
    ClientConfig config = read_config(*json, read_key, faults);
    if (faults.any()) return tl::unexpected(faults.take(file));
    if (auto problem = check(config))
        return tl::unexpected(ConfigError{std::string(file), line_at(*json, problem->where), std::move(problem->message)});
    return config;
}

Parsed<ClientConfig> decode_client(std::string_view text, std::string_view file, const KeyReader& read_key) {
    auto config = decode_client_or_answer(text, file, read_key);
    if (!config || !config->interface.public_key) return config;
    return tl::unexpected(ConfigError{
        std::string(file), 0, "this is a server's answer to a card: `vpn-client import` joins it to the key that waits for it"});
}

std::string encode(const ClientConfig& config) {
    Json peers = Json::array();
    for (const ClientPeer& peer : config.peers) peers.push(peer_json(peer));
    Json json = Json::object();
    json.set("version", 1).set("interface", interface_json(config.interface)).set("peers", std::move(peers));
    return format(json, Layout::pretty) + '\n';
}

} // namespace vpn::config
