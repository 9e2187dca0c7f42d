// EXPERIENCE: the server's status, for programs and for people.
#include "tests/vpn-server/samples.hpp"
#include "vpn-server/calendar.hpp"
#include "vpn-server/status_report.hpp"
#include "vpn-server/status_text.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

using config::Json;
using samples::holds;
using std::chrono::seconds;

/// Seconds after both clocks' beginnings.
Now at(std::int64_t second) { return {Boot(seconds(second)), Wall(seconds(1'800'000'000 + second))}; }

/// The laptop sleeps; the gateway was here twelve seconds ago.
Json document(const config::ServerConfig& config) {
    StatusReport report{.config_file = "/etc/vpn/server.json",
                        .interface = "vpns",
                        .public_key = samples::public_key(1),
                        .port = Port{51820},
                        .mtu = 1420,
                        .started = at(0),
                        .peers = {},
                        .drops = {}};
    PeerActivity active{.endpoint = Endpoint::parse("203.0.113.7:4000"),
                        .last_handshake = at(7488),
                        .received = ByteCount{1'258'291},
                        .sent = ByteCount{812},
                        .online_since = at(7000)};
    active.handshakes = 3;
    active.drops.add(protocol::Drop::old_timestamp);
    for (int i = 0; i < 3; ++i) active.drops.add(protocol::Drop::wrong_source);
    report.peers = {{&config.peers[0], {}}, {&config.peers[1], active}};
    report.drops.add(protocol::Drop::bad_mac1);
    report.drops.add(protocol::Drop::bad_mac1);
    report.drops.add(protocol::Drop::unknown_peer);
    return status_json(report, at(7500));
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        result.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return result;
}

} // namespace

TEST_CASE("programs find version 1, the daemon's facts, every peer and every reason of drops") {
    const config::ServerConfig config = samples::config();
    const Json status = document(config);
    CHECK(status.integer_at("version") == 1);
    CHECK(status.string_at("interface") == "vpns");
    CHECK(status.string_at("since") == "2027-01-15T08:00:00Z");
    CHECK(status.integer_at("uptime") == 7500);
    CHECK(status.integer_at("port") == 51820);
    REQUIRE(status.find("peers") != nullptr);
    const Json* gateway = find_peer(status, "gateway");
    REQUIRE(gateway != nullptr);
    CHECK(gateway->bool_at("online") == true);
    CHECK(gateway->string_at("endpoint") == "203.0.113.7:4000");
    CHECK(gateway->integer_at("handshake_age") == 12);
    CHECK(gateway->string_at("last_handshake") == "2027-01-15T10:04:48Z");
    CHECK(gateway->integer_at("received") == 1'258'291);
    CHECK(gateway->integer_at("sent") == 812);
    const Json* laptop = find_peer(status, "laptop");
    REQUIRE(laptop != nullptr);
    CHECK(laptop->bool_at("online") == false);
    CHECK(laptop->find("endpoint")->is_null());
    CHECK(laptop->find("last_handshake")->is_null());
    const Json* drops = status.find("drops");
    REQUIRE(drops != nullptr);
    CHECK(drops->as_object()->size() == protocol::drop_reasons + 1);
    CHECK(drops->integer_at("over-connections") == 0);
    CHECK(drops->integer_at("bad-mac1") == 2);
    CHECK(drops->integer_at("replayed") == 0);
    const Json* of_gateway = gateway->find("drops");
    REQUIRE(of_gateway != nullptr);
    CHECK(of_gateway->as_object()->size() == 2);
    CHECK(of_gateway->integer_at("old-timestamp") == 1);
    CHECK(of_gateway->integer_at("wrong-source") == 3);
    CHECK(laptop->find("drops")->as_object()->empty());
}

TEST_CASE("no document holds a secret") {
    config::ServerConfig config = samples::config();
    support::SeededRandom random(4);
    config.peers[0].preshared_key = crypto::generate_preshared_key(random);
    for (const std::string& text : {config::format(document(config)), config::format(peers_json(config, {}, {}, at(0)))}) {
        CHECK_FALSE(holds(text, config.interface.private_key.reveal()));
        CHECK_FALSE(holds(text, config.peers[0].preshared_key.reveal()));
    }
    CHECK(find_peer(document(config), "laptop")->bool_at("has_preshared_key") == true);
    CHECK(find_peer(document(config), "gateway")->bool_at("has_preshared_key") == false);
}

TEST_CASE("a peer is online for 180 seconds after a handshake") {
    PeerActivity activity;
    activity.last_handshake = at(1000);
    CHECK(is_online(activity, at(1000)));
    CHECK(is_online(activity, at(1179)));
    CHECK_FALSE(is_online(activity, at(1180)));
    CHECK_FALSE(is_online({}, at(1)));
}

TEST_CASE("people see the verdict first, then the facts, then the peers, those online first") {
    const config::ServerConfig config = samples::config();
    const std::vector<std::string> seen = lines(status_text(document(config), false));
    CHECK(seen.at(0) == "running on vpns since 2027-01-15 08:00:00 UTC (2 hours 5 minutes)");
    CHECK(seen.at(1) == "port           51820");
    CHECK(seen.at(5) == "peers          1 of 2 online");
    CHECK(seen.at(6) == "dropped        bad-mac1 2, unknown-peer 1");
    CHECK(seen.at(8) ==
          "NAME     STATE    SINCE                    LAST HANDSHAKE  ENDPOINT          ADDRESSES           RECEIVED  SENT");
    CHECK(seen.at(9) ==
          "gateway  online   2027-01-15 09:56:40 UTC  12 seconds ago  203.0.113.7:4000  10.66.0.3           1.2 MiB   812 B");
    CHECK(seen.at(10) ==
          "laptop   offline  -                        never           -                 10.66.0.2, fd66::2  0 B       0 B");
    CHECK(seen.at(12) == "DROPPED  REASONS");
    CHECK(seen.at(13) == "gateway  old-timestamp 1, wrong-source 3");
    CHECK(seen.size() == 14);
}

TEST_CASE("a hybrid peer on a machine without AES instructions is said to be slow, with why suite wireguard may be better") {
    const auto with = [](bool slow) {
        Json peers = Json::array();
        peers.push(Json::object({{"name", "phone"}, {"suite", "wireguard"}, {"suite_is_slow", false}}));
        peers.push(Json::object({{"name", "laptop"}, {"suite", "hybrid"}, {"suite_is_slow", slow}}));
        return Json::object({{"peers", std::move(peers)}});
    };
    const std::string slow =
        "suite hybrid   slow here: this machine has no AES instructions; --suite wireguard is faster, without "
        "protection from quantum computers\n";
    CHECK(holds(status_text(with(true), false), slow));
    CHECK_FALSE(holds(status_text(with(false), false), "slow"));
    CHECK(holds(peer_text(*find_peer(with(true), "laptop")), "hybrid (slow: this machine has no AES instructions)\n"));
    CHECK_FALSE(holds(peer_text(*find_peer(with(true), "phone")), "slow"));
}

TEST_CASE("exceptions in other firewalls are named, and what those drop all the same, with the command that lets it through") {
    StatusReport report;
    report.interface = "vpns";
    const Json before = status_json(report, {});
    CHECK(before.find("firewall_exceptions")->as_array()->empty());
    CHECK(before.find("firewall_obstacles")->as_array()->empty());
    CHECK(before.find("firewall_trouble")->is_null());
    CHECK_FALSE(holds(status_text(before, false), "firewall"));
    report.firewalls = {
        {"ip filter DOCKER-USER"}, {{"ufw", "ip filter INPUT", "51820/udp", "ufw allow 51820/udp"}}, "it is late"};
    const Json after = status_json(report, {});
    CHECK(*after.find("firewall_exceptions") == Json::array({"ip filter DOCKER-USER"}));
    CHECK(*after.find("firewall_obstacles") ==
          Json::array({Json::object(
              {{"firewall", "ufw"}, {"chain", "ip filter INPUT"}, {"drops", "51820/udp"}, {"command", "ufw allow 51820/udp"}})}));
    CHECK(after.string_at("firewall_trouble") == "it is late");
    const std::string text = status_text(after, false);
    CHECK(holds(text, "exception in     ip filter DOCKER-USER\n"));
    CHECK(holds(text, "ufw drops        51820/udp (ip filter INPUT): run ufw allow 51820/udp\n"));
    CHECK(holds(text, "other firewalls  not known: it is late\n"));
}

TEST_CASE("connections that were too many are a reason of their own, of the server and of the peer") {
    const config::ServerConfig config = samples::config();
    StatusReport report;
    report.over_connections = 12;
    report.peers = {{&config.peers[0], {}}, {&config.peers[1], {}}};
    report.peers[1].activity.over_connections = 9;
    const Json status = status_json(report, {});
    CHECK(status.find("drops")->integer_at("over-connections") == 12);
    CHECK(find_peer(status, "gateway")->find("drops")->integer_at("over-connections") == 9);
    CHECK(find_peer(status, "laptop")->find("drops")->as_object()->empty());
    CHECK(holds(status_text(status, false), "gateway  over-connections 9\n"));
}

TEST_CASE("colour only where it was asked for") {
    const config::ServerConfig config = samples::config();
    CHECK_FALSE(holds(status_text(document(config), false), "\x1b"));
    CHECK(holds(status_text(document(config), true), "\x1b[32monline\x1b[0m"));
}

TEST_CASE("a server without peers and without drops says no more than that") {
    StatusReport report;
    report.interface = "vpns";
    const std::string text = status_text(status_json(report, {}), false);
    CHECK(holds(text, "0 of 0 online"));
    CHECK_FALSE(holds(text, "dropped"));
    CHECK_FALSE(holds(text, "NAME"));
    CHECK(peers_text(peers_json(config::ServerConfig(), {}, {}, at(0)), false) == "no peers\n");
}

TEST_CASE("a file's peers are listed without a daemon, disabled ones as such") {
    config::ServerConfig config = samples::config();
    config.peers[0].disabled = true;
    const Json document = peers_json(config, {}, {}, at(0));
    CHECK(document.integer_at("version") == 1);
    const std::vector<std::string> seen = lines(peers_text(document, false));
    CHECK(seen.at(1) == "laptop   disabled  -      never           -         10.66.0.2, fd66::2  0 B       0 B");
    CHECK(seen.at(2) == "gateway  offline   -      never           -         10.66.0.3           0 B       0 B");
}

TEST_CASE("limits have columns where anybody has one") {
    config::ServerConfig config = samples::config();
    config.peers[0].limits = {.expires = Wall(seconds(1'798'761'600)), .quota = ByteCount{100'000'000'000}, .rate = {}};
    const Usage usage{{samples::public_key(2), ByteCount{3'221'225'472}}};
    const std::vector<std::string> seen = lines(peers_text(peers_json(config, usage, {}, {}), false));
    CHECK(seen.at(0).ends_with("SENT  EXPIRES                  QUOTA"));
    CHECK(seen.at(1).ends_with("0 B   2027-01-01 00:00:00 UTC  3.0 GiB of 93 GiB"));
    CHECK(seen.at(2).ends_with("0 B   -                        -"));
}

TEST_CASE("a peer that is not served says why, and is not online") {
    config::ServerConfig config = samples::config();
    config::ServerPeer& laptop = config.peers[0];
    std::string state;
    SUBCASE("it is switched off") { laptop.disabled = true, state = "disabled"; }
    SUBCASE("its time is over") { laptop.limits.expires = Wall(seconds(99)), state = "expired"; }
    SUBCASE("to the nanosecond") { laptop.limits.expires = at(0).wall, state = "expired"; }
    SUBCASE("it has used its quota") { laptop.limits.quota = ByteCount{1000}, state = "over-quota"; }
    SUBCASE("not a moment before its end") {
        laptop.limits.expires = at(0).wall + std::chrono::nanoseconds(1);
        state = "offline";
    }
    SUBCASE("and not with a byte to spare") { laptop.limits.quota = ByteCount{1001}, state = "offline"; }
    const Json document = peers_json(config, {{laptop.public_key, ByteCount{1000}}}, {}, at(0));
    CHECK(find_peer(document, "laptop")->string_at("state") == state);
    CHECK(find_peer(document, "laptop")->bool_at("online") == false);
    CHECK(find_peer(document, "gateway")->string_at("state") == "offline");
    CHECK(holds(peers_text(document, false), "laptop   " + state));
    PeerActivity recent;
    recent.last_handshake = at(0);
    CHECK(is_online(recent, at(1)));
    recent.barred = protocol::Drop::peer_expired;
    CHECK_FALSE(is_online(recent, at(1)));
}

TEST_CASE("programs find a peer's limits in bytes and bits, and null for none") {
    config::ServerConfig config = samples::config();
    config.peers[0].limits = {
        .expires = Wall(seconds(1'798'761'600)), .quota = ByteCount{100'000'000'000}, .rate = BitRate{50'000'000}};
    const Json document = peers_json(config, {{samples::public_key(2), ByteCount{812}}}, {}, at(0));
    const Json* laptop = find_peer(document, "laptop");
    CHECK(laptop->string_at("expires") == "2027-01-01T00:00:00Z");
    CHECK(laptop->integer_at("quota") == 100'000'000'000);
    CHECK(laptop->integer_at("quota_used") == 812);
    CHECK(laptop->integer_at("rate") == 50'000'000);
    for (const char* key : {"expires", "quota", "quota_used", "rate"})
        CHECK(find_peer(document, "gateway")->find(key)->is_null());
    CHECK(holds(peer_text(*laptop), "quota            812 B of 93 GiB\n"));
    CHECK(holds(peer_text(*laptop), "rate             50mbit\n"));
    CHECK(holds(peer_text(*find_peer(document, "gateway")), "expires          never\n"));
}

TEST_CASE("one peer is shown a fact a line") {
    const config::ServerConfig config = samples::config();
    const std::string text = peer_text(*find_peer(document(config), "gateway"));
    CHECK(holds(text, "name             gateway\n"));
    CHECK(holds(text, "networks behind  192.168.7.0/24\n"));
    CHECK(holds(text, "public key       " + samples::public_key(3).to_string() + "\n"));
    CHECK(holds(text, "preshared key    no\n"));
    CHECK(holds(text, "dropped          old-timestamp 1, wrong-source 3\n"));
    CHECK(holds(peer_text(*find_peer(document(config), "laptop")), "dropped          -\n"));
    CHECK(find_peer(document(config), "nobody") == nullptr);
}

TEST_CASE("columns line up by characters, not by bytes, and escape codes don't count") {
    config::ServerConfig config = samples::config();
    config.peers[0].name = "łódź";
    const std::vector<std::string> seen = lines(peers_text(peers_json(config, {}, {}, at(0)), false));
    CHECK(seen.at(1).starts_with("łódź     offline  -      never"));
    CHECK(seen.at(2).starts_with("gateway  offline  -      never"));
}

TEST_CASE("an instant is written as RFC 3339 says") {
    CHECK(format_utc(Wall{}) == "1970-01-01T00:00:00Z");
    CHECK(format_utc(Wall(seconds(951'782'399))) == "2000-02-28T23:59:59Z");
    CHECK(format_utc(Wall(seconds(1'709'164'800) + std::chrono::nanoseconds(999'999'999))) == "2024-02-29T00:00:00Z");
}

} // namespace vpn::server
