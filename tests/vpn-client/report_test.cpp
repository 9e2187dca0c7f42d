#include "tests/vpn-client/report_samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using vpn::config::Json;

TEST_CASE("a report comes through the socket as it was sent") {
    Report report = connected_laptop();
    CHECK(report_from(config::parse(format(to_json(report))).value()) == report);
    report.peers.front().handshake_age.reset();
    report.peers.front().name.clear();
    report.state = State::broken;
    report.reason = "silence";
    report.portal = "login.hotel.example";
    report.state = State::ending;
    report.hook = "PreDown at line 4";
    CHECK(report_from(config::parse(format(to_json(report))).value()) == report);
}

TEST_CASE("the JSON is versioned and says what is documented") {
    const Json json = to_json(connected_laptop());
    CHECK(json.integer_at("version") == 1);
    CHECK(json.string_at("state") == "connected");
    const Json& peer = json.find("peers")->as_array()->front();
    CHECK(peer.integer_at("received_bytes") == 1'258'291);
    CHECK(peer.find("handshake_age")->as_real() == 12.0);
    CHECK(json.find("drops")->integer_at("bad-mac1") == 3);
    CHECK(json.find("dns")->bool_at("applied") == true);
    CHECK(json.find("dns")->string_at("back_end") == "systemd-resolved");
}

TEST_CASE("another version, or half a report, is none") {
    Json json = to_json(connected_laptop());
    json.set("version", 2);
    CHECK_FALSE(report_from(json));
    CHECK_FALSE(report_from(Json::object()));
    const Json whole = to_json(connected_laptop());
    for (const Json::Member& member : *whole.as_object()) {
        CAPTURE(member.key);
        // null is a value of these
        if (member.key == "path_mtu" || member.key == "portal" || member.key == "round_trip" || member.key == "loss") continue;
        Json damaged = whole;
        damaged.set(member.key, Json());
        CHECK_FALSE(report_from(damaged));
    }
}
