#include "vpn-client/report.hpp"

#include <algorithm>
#include <array>

namespace vpn::client {
namespace {

using config::Json;

constexpr std::int64_t format_version = 1;
constexpr std::array<std::string_view, 4> state_names{"connecting", "connected", "broken", "ending"};
constexpr std::array<std::string_view, 4> lock_names{"off", "shut", "paused", "lost"};

Json text_list(const std::vector<std::string>& texts) {
    Json list = Json::array();
    for (const std::string& text : texts) list.push(text);
    return list;
}

Json seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Json to_json(const PeerReport& peer) {
    return Json::object({{"name", peer.name},
                         {"public_key", peer.public_key},
                         {"suite", peer.suite},
                         {"suite_is_slow", peer.suite_is_slow},
                         {"has_preshared_key", peer.has_preshared_key},
                         {"endpoint", peer.endpoint},
                         {"allowed_ips", text_list(peer.allowed_ips)},
                         {"persistent_keepalive", peer.persistent_keepalive},
                         {"handshake_age", peer.handshake_age ? seconds(*peer.handshake_age) : Json()},
                         {"has_session", peer.has_session},
                         {"received_bytes", peer.received.value},
                         {"sent_bytes", peer.sent.value}});
}

Json to_json(const Rate& rate) { return Json::object({{"received_per_second", rate.received}, {"sent_per_second", rate.sent}}); }

Json to_json(const DnsReport& dns) {
    return Json::object({{"servers", text_list(dns.servers)},
                         {"search", text_list(dns.search)},
                         {"routed", text_list(dns.routed)},
                         {"every_name", dns.every_name},
                         {"back_end", dns.back_end},
                         {"applied", dns.applied}});
}

/// Takes members out of an object and remembers whether all were there.
class Reader {
  public:
    explicit Reader(const Json& json) : json_(json) {}

    void read(std::string_view key, std::string& out) {
        const auto value = json_.string_at(key);
        note(value.has_value());
        if (value) out = *value;
    }
    void read(std::string_view key, bool& out) { take(json_.bool_at(key), out); }
    void read(std::string_view key, std::int64_t& out) { take(json_.integer_at(key), out); }
    void read(std::string_view key, std::uint64_t& out) {
        const auto value = json_.integer_at(key);
        note(value.has_value() && *value >= 0);
        if (value) out = static_cast<std::uint64_t>(*value);
    }
    void read(std::string_view key, std::vector<std::string>& out) {
        each(key, [&](const Json& item) {
            note(item.as_string() != nullptr);
            if (item.as_string() != nullptr) out.push_back(*item.as_string());
        });
    }
    void read(std::string_view key, Duration& out) {
        std::optional<Duration> value;
        read(key, value);
        take(value, out);
    }
    void read(std::string_view key, std::optional<Duration>& out) {
        const Json* value = json_.find(key);
        note(value != nullptr);
        if (value == nullptr || value->is_null()) return;
        const auto number = value->as_real();
        note(number.has_value());
        if (number) out = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*number));
    }
    template <class Each> void each(std::string_view key, Each act) {
        const Json* list = json_.find(key);
        const bool is_list = list != nullptr && list->as_array() != nullptr;
        note(is_list);
        if (!is_list) return;
        for (const Json& item : *list->as_array()) act(item);
    }
    void note(bool fine) { fine_ = fine_ && fine; }
    [[nodiscard]] bool fine() const { return fine_; }

  private:
    template <class T> void take(const std::optional<T>& value, T& out) {
        note(value.has_value());
        if (value) out = *value;
    }

    const Json& json_;
    bool fine_ = true;
};

bool read_peer(const Json& json, PeerReport& peer) {
    Reader reader(json);
    reader.read("name", peer.name);
    reader.read("public_key", peer.public_key);
    reader.read("suite", peer.suite);
    reader.read("suite_is_slow", peer.suite_is_slow);
    reader.read("has_preshared_key", peer.has_preshared_key);
    reader.read("endpoint", peer.endpoint);
    reader.read("allowed_ips", peer.allowed_ips);
    reader.read("persistent_keepalive", peer.persistent_keepalive);
    reader.read("handshake_age", peer.handshake_age);
    reader.read("has_session", peer.has_session);
    reader.read("received_bytes", peer.received.value);
    reader.read("sent_bytes", peer.sent.value);
    return reader.fine();
}

void read_dns(const Json& json, DnsReport& dns, Reader& reader) {
    const Json* member = json.find("dns");
    reader.note(member != nullptr);
    if (member == nullptr) return;
    Reader inner(*member);
    inner.read("servers", dns.servers);
    inner.read("search", dns.search);
    inner.read("routed", dns.routed);
    inner.read("every_name", dns.every_name);
    inner.read("back_end", dns.back_end);
    inner.read("applied", dns.applied);
    reader.note(inner.fine());
}

void read_rate(const Json& json, std::string_view key, Rate& rate, Reader& reader) {
    const Json* member = json.find(key);
    reader.note(member != nullptr);
    if (member == nullptr) return;
    Reader inner(*member);
    inner.read("received_per_second", rate.received);
    inner.read("sent_per_second", rate.sent);
    reader.note(inner.fine());
}

void read_drops(const Json& json, std::vector<DropReport>& drops, Reader& reader) {
    const Json* counts = json.find("drops");
    reader.note(counts != nullptr && counts->as_object() != nullptr);
    if (counts == nullptr || counts->as_object() == nullptr) return;
    for (const Json::Member& member : *counts->as_object())
        drops.push_back({member.key, static_cast<std::uint64_t>(member.value.as_integer().value_or(0))});
}

template <class Value, std::size_t count>
void read_named(std::optional<std::string_view> name, const std::array<std::string_view, count>& names, Value& out,
                Reader& reader) {
    const auto found = name ? std::find(names.begin(), names.end(), *name) : names.end();
    reader.note(found != names.end());
    if (found != names.end()) out = static_cast<Value>(found - names.begin());
}

void read_lock(const Json* json, Report& report, Reader& reader) {
    reader.note(json != nullptr);
    if (json == nullptr) return;
    read_named(json->string_at("state"), lock_names, report.lock, reader);
    Reader(*json).read("pause_left", report.pause_left);
}

} // namespace

std::string_view name_of(State state) { return state_names.at(static_cast<std::size_t>(state)); }
std::string_view name_of(LockState state) { return lock_names.at(static_cast<std::size_t>(state)); }

Json to_json(const Report& report) {
    Json peers = Json::array();
    for (const PeerReport& peer : report.peers) peers.push(to_json(peer));
    Json drops = Json::object();
    for (const DropReport& drop : report.drops) drops.set(drop.reason, drop.count);
    return Json::object({{"version", format_version},
                         {"name", report.name},
                         {"state", name_of(report.state)},
                         {"reason", report.reason},
                         {"because", report.because},
                         {"portal", report.portal ? Json(*report.portal) : Json()},
                         {"hook", report.hook},
                         {"file", report.file},
                         {"interface", report.interface},
                         {"process", report.process},
                         {"uptime", seconds(report.uptime)},
                         {"addresses", text_list(report.addresses)},
                         {"mtu", report.mtu},
                         {"path_mtu", report.path_mtu ? Json(*report.path_mtu) : Json()},
                         {"listen_port", report.listen_port},
                         {"full_tunnel", report.full_tunnel},
                         {"full_families", text_list(report.full_families)},
                         {"routes", text_list(report.routes)},
                         {"excluded", text_list(report.excluded)},
                         {"apart", report.apart},
                         {"dns", to_json(report.dns)},
                         {"lock", Json::object({{"state", name_of(report.lock)},
                                                {"pause_left", report.pause_left ? seconds(*report.pause_left) : Json()}})},
                         {"rate", to_json(report.rate)},
                         {"peak_rate", to_json(report.peak_rate)},
                         {"round_trip", report.round_trip ? seconds(*report.round_trip) : Json()},
                         {"loss", report.loss ? Json(*report.loss) : Json()},
                         {"measuring", report.measuring},
                         {"peers", std::move(peers)},
                         {"drops", std::move(drops)}});
}

std::optional<Report> report_from(const Json& json) {
    Report report;
    Reader reader(json);
    reader.note(json.integer_at("version") == format_version);
    reader.read("name", report.name);
    read_named(json.string_at("state"), state_names, report.state, reader);
    reader.read("reason", report.reason);
    reader.read("because", report.because);
    report.portal = json.string_at("portal");
    reader.read("hook", report.hook);
    reader.read("file", report.file);
    reader.read("interface", report.interface);
    reader.read("process", report.process);
    reader.read("uptime", report.uptime);
    reader.read("addresses", report.addresses);
    reader.read("mtu", report.mtu);
    report.path_mtu = json.integer_at("path_mtu");
    reader.read("listen_port", report.listen_port);
    reader.read("full_tunnel", report.full_tunnel);
    reader.read("full_families", report.full_families);
    reader.read("routes", report.routes);
    reader.read("excluded", report.excluded);
    reader.read("apart", report.apart);
    read_dns(json, report.dns, reader);
    read_lock(json.find("lock"), report, reader);
    read_rate(json, "rate", report.rate, reader);
    read_rate(json, "peak_rate", report.peak_rate, reader);
    reader.read("round_trip", report.round_trip);
    report.loss = json.integer_at("loss");
    reader.read("measuring", report.measuring);
    reader.each("peers", [&](const Json& item) { reader.note(read_peer(item, report.peers.emplace_back())); });
    read_drops(json, report.drops, reader);
    if (!reader.fine()) return std::nullopt;
    return report;
}

} // namespace vpn::client
