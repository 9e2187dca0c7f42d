// vpn-server(8), A NEW KEY: the server's own key becomes another, and the old one answers too until its time is over.
#include "vpn-server/server_key.hpp"

#include "tests/vpn-server/samples.hpp"
#include "vpn-server/metrics.hpp"
#include "vpn-server/status_report.hpp"
#include "vpn-server/status_text.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

using config::Json;
using config::ServerConfig;
using samples::holds;
using std::chrono::days;
using std::chrono::seconds;

constexpr Wall now{seconds(1'800'000'000)};

Now at(Wall wall) { return {Boot(seconds(1)), wall}; }

ServerConfig rekeyed(Duration grace = days(7)) {
    ServerConfig config = samples::config();
    support::SeededRandom random(77);
    REQUIRE(rekey(config, grace, now, random));
    return config;
}

crypto::PublicKey public_key_of(const ServerConfig& config) { return crypto::public_key_of(config.interface.private_key); }

std::vector<std::string> names_at(const Json& keys, std::string_view list) {
    std::vector<std::string> names;
    for (const Json& name : *keys.find("old_key")->find(list)->as_array()) names.push_back(*name.as_string());
    return names;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a new key is a fresh one, and the one before goes on until its end, in whole seconds and no earlier") {
    const ServerConfig before = samples::config();
    ServerConfig after = rekeyed(days(7) + std::chrono::milliseconds(1));
    CHECK_FALSE(equal_in_constant_time(after.interface.private_key, before.interface.private_key));
    REQUIRE(after.interface.old_key.has_value());
    CHECK(equal_in_constant_time(after.interface.old_key->private_key, before.interface.private_key));
    CHECK(after.interface.old_key->expires == now + days(7) + seconds(1));
    CHECK_FALSE(config::check(after).has_value());
    CHECK(config::decode_server(config::encode(after), "s.json").value() == after);
}

TEST_CASE("without a grace the old key is gone at once") {
    const ServerConfig after = rekeyed(Duration::zero());
    CHECK_FALSE(after.interface.old_key.has_value());
    CHECK(public_key_of(after) != public_key_of(samples::config()));
}

TEST_CASE("while two keys answer there is no third, and after the end there is room again") {
    ServerConfig config = rekeyed();
    const ServerConfig before = config.clone();
    support::SeededRandom random(78);
    const auto refused = rekey(config, days(7), now + days(7) - seconds(1), random);
    REQUIRE_FALSE(refused);
    CHECK(holds(refused.error().message, "2027-01-22T08:00:00Z"));
    CHECK(holds(refused.error().message, "rekey --end"));
    CHECK(config == before);
    REQUIRE(rekey(config, days(7), now + days(7), random));
    CHECK(config.interface.old_key->expires == now + days(14));
    CHECK(equal_in_constant_time(config.interface.old_key->private_key, before.interface.private_key));
}

TEST_CASE("an old key is ended once") {
    ServerConfig config = rekeyed();
    REQUIRE(end_old_key(config));
    CHECK_FALSE(config.interface.old_key.has_value());
    CHECK_FALSE(end_old_key(config));
}

TEST_CASE("a key that stood in a file of its own goes on to be read from there, and the new one stands in the server's") {
    ServerConfig config = samples::config();
    config.interface.private_key_file = "/etc/vpn/server.key";
    support::SeededRandom random(77);
    REQUIRE(rekey(config, days(7), now, random));
    CHECK(config.interface.private_key_file.empty());
    CHECK(config.interface.old_key->private_key_file == "/etc/vpn/server.key");
}

TEST_CASE("both keys answer until the old one's end, and from that second on one") {
    ServerConfig config = rekeyed();
    const protocol::OwnKeys both = own_keys(config.interface, now + days(7) - seconds(1));
    CHECK(both.current().public_key == public_key_of(config));
    REQUIRE(both.old() != nullptr);
    CHECK(both.old()->public_key == public_key_of(samples::config()));
    CHECK(own_keys(config.interface, now + days(7)).old() == nullptr);
    CHECK_FALSE(drop_ended_key(config, now + days(7) - seconds(1)));
    CHECK(drop_ended_key(config, now + days(7)));
    CHECK_FALSE(drop_ended_key(config, now + days(7)));
    CHECK(own_keys(config.interface, now).old() == nullptr);
}

TEST_CASE("who uses which key is told, of files alone too") {
    const ServerConfig config = rekeyed();
    const crypto::PublicKey old = public_key_of(samples::config());
    const Endpoint somewhere = Endpoint::parse("192.0.2.7:1").value();
    const auto seen = [&](std::size_t peer, std::optional<crypto::PublicKey> key) {
        return Whereabouts{config.peers[peer].public_key, somewhere, now, key};
    };
    const auto keys_of = [&](const std::vector<Whereabouts>& all, Wall when = now) {
        return keys_document(peers_json(config, {}, all, at(when)));
    };
    Json keys = keys_of({seen(0, old)});
    CHECK(keys.integer_at("version") == 1);
    CHECK(keys.string_at("public_key") == public_key_of(config).to_string());
    CHECK(keys.find("old_key")->string_at("public_key") == old.to_string());
    CHECK(keys.find("old_key")->string_at("expires") == "2027-01-22T08:00:00Z");
    CHECK(names_at(keys, "used_by") == Names{"laptop"});
    CHECK(names_at(keys, "not_seen") == Names{"gateway"});
    const std::string text = keys_text(keys, false);
    CHECK(holds(text, "two keys answer; 1 of the peers that were seen still used the old one\n"));
    CHECK(holds(text, old.to_string() + " answers too until 2027-01-22 08:00:00 UTC"));
    CHECK(holds(text, "laptop"));

    keys = keys_of({seen(0, public_key_of(config)), seen(1, std::nullopt)});
    CHECK(names_at(keys, "used_by").empty());
    CHECK(names_at(keys, "not_seen") == Names{"gateway"});
    CHECK(holds(keys_text(keys, false), "no peer that was seen uses the old one any more"));
    keys = keys_of({seen(0, public_key_of(config)), seen(1, public_key_of(config))});
    CHECK(holds(keys_text(keys, false), "`vpn-server rekey --end` ends it"));

    keys = keys_of({seen(0, old)}, now + days(7));
    CHECK(keys.find("old_key")->is_null());
    CHECK(holds(keys_text(keys, false), "one key answers\n"));
}

TEST_CASE("status tells the old key, and each peer's, while two answer, and nothing of it else") {
    const ServerConfig config = rekeyed();
    StatusReport report;
    report.public_key = public_key_of(config);
    report.old_key = old_key_report(config.interface, now);
    report.peers = {{&config.peers[0], {}}, {&config.peers[1], {}}};
    report.peers[0].activity.own_key = public_key_of(samples::config());
    report.peers[1].activity.own_key = public_key_of(config);
    Json status = status_json(report, at(now));
    CHECK(status.find("old_key")->string_at("public_key") == public_key_of(samples::config()).to_string());
    CHECK(find_peer(status, "laptop")->string_at("server_key") == "old");
    CHECK(find_peer(status, "gateway")->string_at("server_key") == "current");
    CHECK(holds(status_text(status, false), "answers too until 2027-01-22 08:00:00 UTC: see `vpn-server key`"));
    CHECK(holds(status_text(status, false), "SERVER KEY"));
    CHECK(holds(peer_text(*find_peer(status, "laptop")), "old"));

    const std::string told = metrics_text(report, {}, at(now));
    CHECK(holds(told, "\nvpn_old_key_end_timestamp_seconds 1800604800\n"));
    CHECK(holds(told, "\nvpn_peers_on_old_key 1\n"));

    report.old_key.reset();
    CHECK_FALSE(holds(metrics_text(report, {}, at(now)), "old_key"));
    status = status_json(report, at(now));
    CHECK(status.find("old_key")->is_null());
    CHECK(find_peer(status, "gateway")->find("server_key")->is_null());
    CHECK_FALSE(holds(status_text(status, false), "old key"));
    CHECK_FALSE(holds(status_text(status, false), "SERVER KEY"));
}

} // namespace vpn::server
