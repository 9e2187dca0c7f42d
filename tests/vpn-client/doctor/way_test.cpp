#include "vpn-client/doctor/way.hpp"

#include "tests/vpn-client/report_samples.hpp"
#include "tests/vpn-client/samples.hpp"
#include "vpn-client/doctor/findings_text.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace vpn::client::checks;
using namespace std::chrono_literals;

namespace {

Asked asked(std::string_view whom, bool answered, bool dns = false) {
    return {.address = address(whom), .dns = dns, .guessed = false, .answered = answered};
}

/// A full tunnel of IPv4 that works.
EgressFacts working() {
    EgressFacts facts;
    facts.full = facts.any = true;
    facts.interface = facts.way_outside = "laptop";
    facts.asked = {asked("10.66.0.1", true)};
    return facts;
}

} // namespace

TEST_CASE("a name without an address fails and says what the look-up said") {
    CHECK(judge_name({"198.51.100.10", true, {address("198.51.100.10")}, ""}).verdict == Verdict::ok);
    CHECK(judge_name({"vpn.example.org", false, {address("198.51.100.10")}, ""}).says == "vpn.example.org is 198.51.100.10");
    const Finding none = judge_name({"vpn.example.org", false, {}, "no such name"});
    CHECK(none.verdict == Verdict::fail);
    CHECK(none.says.find("no such name") != std::string::npos);
}

TEST_CASE("an attempt fails by the reason that its evidence gives, each with a fix of one line") {
    Attempt attempt;
    attempt.evidence.server = "vpn.example.org:51820";
    attempt.evidence.endpoint = "198.51.100.10:51820";
    const Finding silent = judge_server(attempt);
    CHECK(silent.verdict == Verdict::fail);
    CHECK(silent.says.find("silence") != std::string::npos);
    attempt.evidence.port_unreachable = 2;
    CHECK(judge_server(attempt).says.find("port-closed") != std::string::npos);
    attempt.evidence.rejected_responses = 1;
    const Finding psk = judge_server(attempt);
    CHECK(psk.says.find("wrong-psk") != std::string::npos);
    for (const Finding& finding : {silent, psk}) {
        CHECK_FALSE(finding.fix.empty());
        CHECK(finding.fix.find('\n') == std::string::npos);
    }
    attempt.took = 23ms;
    CHECK(judge_server(attempt) == ok("server", "198.51.100.10:51820 answered a handshake in 23 ms"));
}

TEST_CASE("of several servers each is named, and one that serves makes a warning of what fails at the others") {
    const Finding good = about("a.example:51820", ok("server", "answered"));
    const Finding bad = about("b.example:51820", fail("server", "does not answer", "let UDP through"));
    CHECK(good.says == "a.example:51820: answered");
    const Findings mixed = as_choices({good, bad});
    CHECK(mixed[0] == good);
    CHECK(mixed[1] == warn("server", "b.example:51820: does not answer", "let UDP through"));
    CHECK(as_choices({bad, bad}) == Findings{bad, bad});
    CHECK(as_choices({}).empty());
}

TEST_CASE("a server beside the one in use is not asked, but a way has to lead there") {
    CHECK(judge_server_beside({.link = "eth0", .resolved = true}).verdict == Verdict::ok);
    CHECK(judge_server_beside({.link = "eth0", .resolved = true}).says.find("eth0") != std::string::npos);
    CHECK(judge_server_beside({.link = "", .resolved = false}).verdict == Verdict::ok); // its name's own line says why
    const Finding lost = judge_server_beside({.link = "", .resolved = true});
    CHECK(lost.verdict == Verdict::warn);
    CHECK_FALSE(lost.fix.empty());
}

TEST_CASE("a peer beside the main one is right when it answered, or was never asked") {
    PeerReport peer;
    CHECK(judge_peer_beside(peer).verdict == Verdict::ok);
    peer.sent = ByteCount{148};
    CHECK(judge_peer_beside(peer).verdict == Verdict::warn);
    peer.handshake_age = 12s;
    CHECK(judge_peer_beside(peer) == ok("server", "answered a handshake 12 seconds ago"));
}

TEST_CASE("a running connection's own verdict is taken") {
    Report report = connected_laptop();
    CHECK(judge_server(report).verdict == Verdict::ok);
    report.state = State::connecting;
    CHECK(judge_server(report).verdict == Verdict::warn);
    report.state = State::broken;
    report.reason = "silence";
    CHECK(judge_server(report).verdict == Verdict::fail);
}

TEST_CASE("a portal fails and is named with its remedy; none, or nothing known, is fine; a shut lock lets nobody see") {
    PortalFacts facts{
        .name = "laptop", .url = "http://check.example/", .locked = false, .seen = {WayOut::Kind::portal, "login.example"}};
    const Finding named = judge_portal(facts);
    CHECK(named.verdict == Verdict::fail);
    CHECK(named.says.find("login.example") != std::string::npos);
    CHECK(named.fix.find("vpn-client pause 5m laptop") != std::string::npos);
    facts.seen.host.clear();
    CHECK(judge_portal(facts).says.find("leads") == std::string::npos);
    facts.seen.kind = WayOut::Kind::open;
    CHECK(judge_portal(facts).verdict == Verdict::ok);
    facts.seen.kind = WayOut::Kind::unknown;
    CHECK(judge_portal(facts).verdict == Verdict::ok);
    facts.locked = true;
    CHECK(judge_portal(facts).verdict == Verdict::warn);
}

TEST_CASE("long packets that get lost fail; a tunnel that cuts them is a warning") {
    CHECK(judge_size({.outer = 1500, .inner = 1420, .around = 80, .path = {}, .longest_passed = true}).verdict == Verdict::ok);
    CHECK(judge_size({.outer = 1500, .inner = 1420, .around = 80, .path = {}, .longest_passed = false}).verdict == Verdict::fail);
    const Finding cut = judge_size({.outer = 1400, .inner = 1420, .around = 80, .path = {}, .longest_passed = true});
    CHECK(cut.verdict == Verdict::warn);
    CHECK(cut.fix.find("1320") != std::string::npos);
    CHECK(judge_size({.outer = 1500, .inner = 0, .around = 0, .path = {}, .longest_passed = {}}).verdict == Verdict::ok);
    const Finding narrow = judge_size({.outer = 1500, .inner = 1420, .around = 80, .path = 1400, .longest_passed = true});
    CHECK(narrow.verdict == Verdict::warn); // the link is wide, and the way beyond it is not
    CHECK(narrow.says.find("the way to the server takes 1400 bytes") != std::string::npos);
    CHECK(narrow.fix.find("1320") != std::string::npos);
    const Finding found = judge_size({.outer = 1500, .inner = 1320, .around = 80, .path = 1400, .longest_passed = true});
    CHECK(found.verdict == Verdict::ok);
    CHECK(found.says.find("by probing, the way takes 1400 bytes") != std::string::npos);
    CHECK(judge_size({.outer = 1279, .inner = 0, .around = 0, .path = {}, .longest_passed = {}}).verdict == Verdict::warn);
}

TEST_CASE("a full tunnel past which packets go fails, whoever answers inside") {
    EgressFacts facts = working();
    CHECK(judge_egress(facts).verdict == Verdict::ok);
    facts.way_outside = "eth0";
    const Finding leak = judge_egress(facts);
    CHECK(leak.verdict == Verdict::fail);
    CHECK(leak.says.find("eth0") != std::string::npos);
}

TEST_CASE("whom the file names and who is silent fails; one whom we guessed says nothing by that") {
    EgressFacts facts = working();
    facts.asked.front().answered = false;
    CHECK(judge_egress(facts).verdict == Verdict::fail);
    facts.asked.front().guessed = true;
    CHECK(judge_egress(facts).verdict == Verdict::warn);
    facts.asked.clear();
    CHECK(judge_egress(facts).verdict == Verdict::warn);
}

TEST_CASE("a family that the file leaves out is told to go past the tunnel") {
    EgressFacts facts;
    facts.family = Family::v6;
    facts.interface = "laptop";
    facts.way_outside = "eth0";
    CHECK(judge_egress(facts).says.find("eth0") != std::string::npos);
    CHECK(judge_egress(facts).verdict == Verdict::ok);
}

TEST_CASE("a name server that is silent fails, and one that is asked past a full tunnel is a warning") {
    DnsFacts facts;
    facts.full = true;
    facts.interface = "laptop";
    facts.asked = {asked("9.9.9.9", true, true)};
    CHECK(judge_dns(facts).verdict == Verdict::ok);
    facts.resolvers = {{address("192.168.1.1"), "wlan0"}};
    CHECK(judge_dns(facts).verdict == Verdict::warn);
    facts.full = false;
    CHECK(judge_dns(facts).verdict == Verdict::ok);
    facts.asked.push_back(asked("149.112.112.112", false, true));
    CHECK(judge_dns(facts).verdict == Verdict::fail);
}

TEST_CASE("findings are a line each with what to do below, and are counted") {
    const Findings findings{ok("clock", "it is right"), warn("lock", "is shut", "open it"),
                            fail("server", "is silent", "wake it")};
    CHECK(findings_text(findings, false) == "OK    clock          it is right\n"
                                            "WARN  lock           is shut\n"
                                            "      -> open it\n"
                                            "FAIL  server         is silent\n"
                                            "      -> wake it\n"
                                            "1 failed, 1 warning\n");
    CHECK(any_failed(findings));
    CHECK_FALSE(any_failed({findings[0], findings[1]}));
    const config::Json json = to_json("laptop", findings);
    CHECK(json.integer_at("version") == 1);
    CHECK(json.integer_at("failed") == 1);
    CHECK(json.find("checks")->as_array()->at(2).string_at("verdict") == "fail");
}
