#include "common/config/server_config.hpp"

#include "common/config/fields.hpp"
#include "common/config/limits.hpp"
#include "common/config/names.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

namespace vpn::config {
namespace {

constexpr std::array<std::string_view, 12> file_keys{
    "version",         "interface",           "endpoint", "networks", "dns", "nat", "isolate_peers", "host_services",
    "max_connections", "firewall_exceptions", "metrics",  "peers"};
constexpr std::array<std::string_view, 7> interface_keys{"name",      "private_key", "old_key", "listen_port",
                                                         "addresses", "mtu",         "offloads"};
constexpr std::array<std::string_view, 2> old_key_keys{"private_key", "expires"};
constexpr std::array<std::string_view, 10> peer_keys{"name",        "public_key", "preshared_key", "suite", "addresses",
                                                     "allowed_ips", "expires",    "quota",         "rate",  "disabled"};

HostPort read_endpoint(const Field& field, Port default_port) {
    const std::string text = read_text(field, "a string such as \"vpn.example.org:51820\"");
    auto endpoint = HostPort::parse(text, default_port);
    if (!endpoint) field.complain("is no endpoint: " + endpoint.error().message);
    return endpoint ? std::move(*endpoint) : HostPort();
}

/// The file writes the other modes as words, which no interface may be called.
bool is_nat_interface(std::string_view name) { return is_interface_name(name) && name != "auto" && name != "false"; }

Nat read_nat(const Field& field) {
    const std::string* text = field.json.as_string();
    if (field.json.as_bool() == false) return {Nat::Mode::off, {}};
    if (text != nullptr && *text == "auto") return {Nat::Mode::automatic, {}};
    if (text != nullptr && is_nat_interface(*text)) return {Nat::Mode::interface, *text};
    field.refuse("\"auto\", false or an interface's name (" + std::string(interface_name_rule) + ")");
    return {};
}

HostService read_host_service(const Field& field) {
    const std::string* text = field.json.as_string();
    const auto service = text != nullptr ? HostService::parse(*text) : std::nullopt;
    if (!service) field.refuse("a service such as \"53/udp\" or \"22/tcp\", or \"*\" for all");
    return service.value_or(HostService());
}

std::optional<MetricsAddress> read_metrics(const Field& field) {
    if (field.json.as_bool() == false) return std::nullopt;
    auto address = MetricsAddress::parse(read_text(field, "a string such as \"127.0.0.1:9586\", or false"));
    if (!address) field.complain("can't be used: " + address.error().message);
    return address ? std::optional(std::move(*address)) : std::nullopt;
}

template <class T>
std::optional<T> read_limit(const Field& field, std::string_view expected, std::optional<T> (*parse)(std::string_view)) {
    const std::string* text = field.json.as_string();
    auto limit = text != nullptr ? parse(*text) : std::nullopt;
    if (!limit) field.refuse(expected);
    return limit;
}

Prefix read_network(const Field& field) { return read_prefix(field).network(); }

OldKey read_old_key(const Field& field, const KeyReader& reader) {
    const Fields fields(field.json, "\"old_key\"", old_key_keys, field.faults);
    OldKey old;
    if (const auto key = fields.require("private_key"))
        old.private_key = read_key<crypto::PrivateKey>(*key, reader, old.private_key_file);
    if (const auto expires = fields.require("expires"))
        old.expires = read_limit(*expires, expected_instant, parse_instant).value_or(Wall{});
    return old;
}

ServerInterface read_interface(const Field& field, const KeyReader& reader) {
    const Fields fields(field.json, "\"interface\"", interface_keys, field.faults);
    ServerInterface interface;
    if (const auto name = fields.get("name")) interface.name = read_interface_name(*name);
    if (const auto key = fields.require("private_key"))
        interface.private_key = read_key<crypto::PrivateKey>(*key, reader, interface.private_key_file);
    if (const auto old = fields.get("old_key")) interface.old_key = read_old_key(*old, reader);
    if (const auto port = fields.get("listen_port")) interface.listen_port = read_port(*port);
    if (const auto list = fields.require("addresses")) interface.addresses = read_list(*list, limits::addresses, read_prefix);
    if (const auto mtu = fields.get("mtu")) interface.mtu = read_mtu(*mtu);
    if (const auto offloads = fields.get("offloads")) interface.offloads = read_bool(*offloads);
    return interface;
}

ServerPeer read_peer(const Field& field, const KeyReader& reader) {
    const Fields fields(field.json, "a peer", peer_keys, field.faults);
    ServerPeer peer;
    if (const auto name = fields.require("name")) peer.name = read_peer_name(*name);
    if (const auto key = fields.require("public_key"))
        peer.public_key = read_key<crypto::PublicKey>(*key, reader, peer.public_key_file);
    if (const auto key = fields.get("preshared_key"))
        peer.preshared_key = read_key<crypto::PresharedKey>(*key, reader, peer.preshared_key_file);
    if (const auto suite = fields.get("suite")) peer.suite = read_suite(*suite);
    if (const auto list = fields.get("addresses")) peer.addresses = read_list(*list, limits::addresses, read_prefix);
    if (const auto list = fields.get("allowed_ips")) peer.allowed_ips = read_list(*list, limits::allowed_ips, read_network);
    if (const auto expires = fields.get("expires")) peer.limits.expires = read_limit(*expires, expected_instant, parse_instant);
    if (const auto quota = fields.get("quota")) peer.limits.quota = read_limit(*quota, expected_quota, parse_quota);
    if (const auto rate = fields.get("rate")) peer.limits.rate = read_limit(*rate, expected_rate, parse_rate);
    if (const auto disabled = fields.get("disabled")) peer.disabled = read_bool(*disabled);
    return peer;
}

/// Peers as they are read, and the first fault among them: there may be so many that nobody holds them as JSON.
class PeerList {
  public:
    explicit PeerList(const KeyReader& reader) : reader_(reader) {}

    void add(const Json& item) {
        if (++items_ <= limits::server_peers) peers_.push_back(read_peer({item, "peers", faults_}, reader_));
    }
    /// Requires: all were added that `field` had. A fault goes to its faults.
    std::vector<ServerPeer> take(const Field& field) {
        if (field.json.as_array() == nullptr) field.refuse("an array");
        if (items_ > limits::server_peers) complain_of_length(field, items_, limits::server_peers);
        field.faults.add(faults_);
        peers_.shrink_to_fit();
        return std::move(peers_);
    }

  private:
    const KeyReader& reader_;
    Faults faults_;
    std::size_t items_ = 0;
    std::vector<ServerPeer> peers_;
};

ServerConfig read_config(const Json& json, PeerList peers, const KeyReader& reader, Faults& faults) {
    require_version_1(json, faults);
    const Fields fields(json, "the file", file_keys, faults);
    ServerConfig config;
    if (const auto interface = fields.require("interface")) config.interface = read_interface(*interface, reader);
    if (const auto endpoint = fields.get("endpoint")) config.endpoint = read_endpoint(*endpoint, config.interface.listen_port);
    if (const auto list = fields.require("networks")) config.networks = read_list(*list, limits::networks, read_network);
    if (const auto list = fields.get("dns")) config.dns = read_list(*list, limits::dns, read_address);
    if (const auto nat = fields.get("nat")) config.nat = read_nat(*nat);
    if (const auto isolate = fields.get("isolate_peers")) config.isolate_peers = read_bool(*isolate);
    if (const auto list = fields.get("host_services"))
        config.host_services = read_list(*list, limits::host_services, read_host_service);
    if (const auto most = fields.get("max_connections"))
        config.max_connections = static_cast<std::uint32_t>(read_integer(*most, 0, limits::connections));
    if (const auto exceptions = fields.get("firewall_exceptions")) config.firewall_exceptions = read_bool(*exceptions);
    if (const auto metrics = fields.get("metrics")) config.metrics = read_metrics(*metrics);
    if (const auto list = fields.require("peers")) config.peers = peers.take(*list);
    return config;
}

Json interface_json(const ServerInterface& interface) {
    Json json =
        Json::object({{"name", interface.name}, {"private_key", key_json(interface.private_key, interface.private_key_file)}});
    if (const auto& old = interface.old_key)
        json.set("old_key", Json::object({{"private_key", key_json(old->private_key, old->private_key_file)},
                                          {"expires", format_instant(old->expires)}}));
    json.set("listen_port", interface.listen_port.value);
    json.set("addresses", text_list(interface.addresses));
    json.set("mtu", mtu_json(interface.mtu));
    if (!interface.offloads) json.set("offloads", false);
    return json;
}

Json nat_json(const Nat& nat) {
    switch (nat.mode) {
    case Nat::Mode::automatic: return "auto";
    case Nat::Mode::interface: return nat.interface;
    case Nat::Mode::off: return false;
    }
    return {};
}

template <class Items> std::vector<std::string> texts_of(const Items& items) {
    std::vector<std::string> texts;
    texts.reserve(items.size());
    for (const auto& item : items) texts.push_back(item.to_string());
    return texts;
}

void write_key(std::string_view name, std::string key, const std::string& path, JsonMembers& out) {
    out.text(name, path.empty() ? key : "file:" + path);
    wipe(std::as_writable_bytes(std::span(key.data(), key.size())));
}

void write_peer(const ServerPeer& peer, JsonMembers& out) {
    out.text("name", peer.name);
    write_key("public_key", peer.public_key.to_string(), peer.public_key_file, out);
    if (!peer.preshared_key.is_zero() || !peer.preshared_key_file.empty())
        write_key("preshared_key", peer.preshared_key.reveal(), peer.preshared_key_file, out);
    out.text("suite", crypto::name_of(peer.suite));
    out.texts("addresses", texts_of(peer.addresses));
    out.texts("allowed_ips", texts_of(peer.allowed_ips));
    if (peer.limits.expires) out.text("expires", format_instant(*peer.limits.expires));
    if (peer.limits.quota) out.text("quota", format_quota(*peer.limits.quota));
    if (peer.limits.rate) out.text("rate", format_rate(*peer.limits.rate));
    out.boolean("disabled", peer.disabled);
}

auto plain_parts(const ServerInterface& i) {
    return std::tie(i.name, i.private_key_file, i.listen_port, i.addresses, i.mtu, i.offloads);
}
auto plain_parts(const ServerPeer& p) {
    return std::tie(p.name, p.public_key, p.public_key_file, p.preshared_key_file, p.suite, p.addresses, p.allowed_ips, p.limits,
                    p.disabled);
}

bool is_same(const std::optional<OldKey>& a, const std::optional<OldKey>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->private_key_file == b->private_key_file && a->expires == b->expires &&
           equal_in_constant_time(a->private_key, b->private_key);
}

std::optional<OldKey> clone_of(const std::optional<OldKey>& old) {
    return old ? std::optional(OldKey{old->private_key.clone(), old->private_key_file, old->expires}) : std::nullopt;
}

/// Of what a problem is about: peers were let go as they were read.
int line_in(std::string_view text, std::string_view where) {
    const auto json = parse(text, JsonLimits::large());
    return json ? line_at(*json, where) : 0;
}

ServerPeer clone_of(const ServerPeer& peer) {
    return {.name = peer.name,
            .public_key = peer.public_key,
            .public_key_file = peer.public_key_file,
            .preshared_key = peer.preshared_key.clone(),
            .preshared_key_file = peer.preshared_key_file,
            .suite = peer.suite,
            .addresses = peer.addresses,
            .allowed_ips = peer.allowed_ips,
            .limits = peer.limits,
            .disabled = peer.disabled};
}

} // namespace

std::optional<HostService> HostService::parse(std::string_view text) {
    if (text == "*") return HostService{};
    const std::size_t slash = text.find('/');
    const auto port = parse_decimal(text.substr(0, slash), 65535);
    if (slash == std::string_view::npos || !port || *port == 0) return std::nullopt;
    const std::string_view protocol = text.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp") return std::nullopt;
    return HostService{protocol == "tcp" ? Protocol::tcp : Protocol::udp, Port{static_cast<std::uint16_t>(*port)}};
}

std::string HostService::to_string() const {
    if (protocol == Protocol::any) return "*";
    return std::to_string(port.value) + (protocol == Protocol::tcp ? "/tcp" : "/udp");
}

const ServerPeer* ServerConfig::find_peer(std::string_view name) const {
    const auto found = std::find_if(peers.begin(), peers.end(), [&](const ServerPeer& peer) { return peer.name == name; });
    return found != peers.end() ? &*found : nullptr;
}

ServerPeer* ServerConfig::find_peer(std::string_view name) {
    return const_cast<ServerPeer*>(std::as_const(*this).find_peer(name));
}

ServerConfig ServerConfig::clone() const {
    ServerConfig copy;
    copy.interface = {.name = interface.name,
                      .private_key = interface.private_key.clone(),
                      .private_key_file = interface.private_key_file,
                      .old_key = clone_of(interface.old_key),
                      .listen_port = interface.listen_port,
                      .addresses = interface.addresses,
                      .mtu = interface.mtu,
                      .offloads = interface.offloads};
    copy.endpoint = endpoint;
    copy.networks = networks;
    copy.dns = dns;
    copy.nat = nat;
    copy.isolate_peers = isolate_peers;
    copy.host_services = host_services;
    copy.max_connections = max_connections;
    copy.firewall_exceptions = firewall_exceptions;
    copy.metrics = metrics;
    copy.peers.reserve(peers.size());
    for (const ServerPeer& peer : peers) copy.peers.push_back(clone_of(peer));
    return copy;
}

bool operator==(const ServerInterface& a, const ServerInterface& b) {
    return plain_parts(a) == plain_parts(b) && equal_in_constant_time(a.private_key, b.private_key) &&
           is_same(a.old_key, b.old_key);
}

bool operator==(const ServerPeer& a, const ServerPeer& b) {
    return plain_parts(a) == plain_parts(b) && equal_in_constant_time(a.preshared_key, b.preshared_key);
}

Parsed<ServerConfig> decode_server(std::string_view text, std::string_view file, const KeyReader& read_key) {
    PeerList peers(read_key);
    auto json = parse(text, JsonLimits::large(), {"peers", [&](const Json& item) { peers.add(item); }});
    if (!json) {
        json.error().file = file;
        return tl::unexpected(std::move(json.error()));
    }
    Faults faults;
    ServerConfig config = read_config(*json, std::move(peers), read_key, faults);
    if (faults.any()) return tl::unexpected(faults.take(file));
    if (auto problem = check(config))
        return tl::unexpected(ConfigError{std::string(file), line_in(text, problem->where), std::move(problem->message)});
    return config;
}

namespace {

/// Of a file with these peers.
std::string encode(const ServerConfig& config, std::span<const ServerPeer> all) {
    Json json = Json::object({{"version", 1}, {"interface", interface_json(config.interface)}});
    if (config.endpoint) json.set("endpoint", config.endpoint->to_string());
    json.set("networks", text_list(config.networks));
    json.set("dns", text_list(config.dns));
    json.set("nat", nat_json(config.nat));
    json.set("isolate_peers", config.isolate_peers);
    json.set("host_services", text_list(config.host_services));
    if (config.max_connections != default_max_connections) json.set("max_connections", config.max_connections);
    if (!config.firewall_exceptions) json.set("firewall_exceptions", false);
    if (config.metrics) json.set("metrics", config.metrics->to_string());
    const JsonList peers{"peers", all.size(), [&](std::size_t index, JsonMembers& out) { write_peer(all[index], out); }};
    std::string text = format_with(json, peers);
    text += '\n';
    return text;
}

} // namespace

std::string encode(const ServerConfig& config) { return encode(config, config.peers); }

Ending encode_last_peer(const ServerConfig& config) {
    // Whatever stands before: where a file of one peer fewer ends otherwise is where the last one begins.
    const auto two = std::span(config.peers).last(2);
    std::string shorter = encode(config, two.first(1));
    std::string longer = encode(config, two);
    const auto differ = static_cast<std::size_t>(std::ranges::mismatch(shorter, longer).in1 - shorter.begin());
    Ending ending{ByteCount{shorter.size() - differ}, longer.substr(differ)};
    for (std::string* text : {&shorter, &longer}) wipe(std::as_writable_bytes(std::span(text->data(), text->size())));
    return ending;
}

} // namespace vpn::config
