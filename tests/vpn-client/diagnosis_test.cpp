#include "vpn-client/diagnosis.hpp"

#include <doctest/doctest.h>

using namespace vpn::client;

namespace {

Evidence attempt() {
    Evidence evidence;
    evidence.name = "laptop";
    evidence.server = "vpn.example.org:51820";
    evidence.endpoint = "198.51.100.10:51820";
    evidence.missing = "10.66.0.1 (ping)";
    evidence.initiations = 3;
    return evidence;
}

} // namespace

TEST_CASE("nothing at all is silence") {
    CHECK(diagnose(attempt()) == Reason::silence);
    CHECK_FALSE(is_certain(attempt()));
}

TEST_CASE("each kind of evidence has its reason") {
    Evidence evidence = attempt();
    SUBCASE("a closed port") {
        evidence.port_unreachable = 1;
        CHECK(diagnose(evidence) == Reason::port_closed);
    }
    SUBCASE("an address nobody has") {
        evidence.host_unreachable = 1;
        CHECK(diagnose(evidence) == Reason::no_route);
    }
    SUBCASE("a cookie and no answer") {
        evidence.cookies = 1;
        CHECK(diagnose(evidence) == Reason::busy);
    }
    SUBCASE("an answer that does not decrypt") {
        evidence.rejected_responses = 1;
        CHECK(diagnose(evidence) == Reason::wrong_psk);
    }
    SUBCASE("a handshake and nothing behind it") {
        evidence.handshake = true;
        CHECK(diagnose(evidence) == Reason::no_return);
    }
}

TEST_CASE("what the server itself says outweighs what routers say, and a handshake outweighs all") {
    Evidence evidence = attempt();
    evidence.port_unreachable = 5;
    evidence.host_unreachable = 5;
    CHECK(diagnose(evidence) == Reason::port_closed);
    evidence.cookies = 1;
    CHECK(diagnose(evidence) == Reason::busy);
    evidence.rejected_responses = 1;
    CHECK(diagnose(evidence) == Reason::wrong_psk);
    evidence.handshake = true;
    CHECK(diagnose(evidence) == Reason::no_return);
}

TEST_CASE("once is a hint, twice is an answer: then nobody has to wait longer") {
    for (auto member : {&Evidence::rejected_responses, &Evidence::port_unreachable, &Evidence::host_unreachable}) {
        Evidence evidence = attempt();
        evidence.*member = 1;
        CHECK_FALSE(is_certain(evidence));
        evidence.*member = 2;
        CHECK(is_certain(evidence));
        evidence.initiations = 1; // both answers to the same question
        CHECK_FALSE(is_certain(evidence));
    }
}

TEST_CASE("a busy server and a handshake are worth waiting for") {
    Evidence evidence = attempt();
    evidence.port_unreachable = 2;
    evidence.cookies = 1;
    CHECK_FALSE(is_certain(evidence));
    evidence.cookies = 0;
    evidence.handshake = true;
    CHECK_FALSE(is_certain(evidence));
}

TEST_CASE("every reason is told with where, what and what to do") {
    for (const Reason reason : {Reason::name_not_resolved, Reason::no_route, Reason::port_closed, Reason::busy, Reason::wrong_psk,
                                Reason::silence, Reason::no_return}) {
        CAPTURE(token_of(reason));
        const auto lines = explain(reason, attempt());
        REQUIRE(lines.size() >= 2);
        CHECK(lines.front().find("vpn.example.org:51820") != std::string::npos);
        for (const std::string& line : lines) {
            CHECK(line.find('\n') == std::string::npos);
            CHECK(line.size() <= 130);
        }
        CHECK_FALSE(summary_of(reason, attempt()).empty());
    }
}

TEST_CASE("a server that answers itself and forwards nothing is told from one that answers nothing") {
    Evidence evidence = attempt();
    evidence.handshake = true;
    CHECK(explanation(Reason::no_return, evidence).find("10.66.0.1 (ping) was asked") != std::string::npos);
    evidence.heard = "10.66.0.1 (ping)";
    evidence.missing = "9.9.9.9 (DNS)";
    CHECK(explanation(Reason::no_return, evidence).find("10.66.0.1 (ping) answered, and 9.9.9.9 (DNS) did not") !=
          std::string::npos);
}

TEST_CASE("a wrong preshared key says who has one") {
    Evidence evidence = attempt();
    evidence.has_preshared_key = true;
    CHECK(explanation(Reason::wrong_psk, evidence).find("is not the one") != std::string::npos);
    evidence.has_preshared_key = false;
    CHECK(explanation(Reason::wrong_psk, evidence).find("the file has none") != std::string::npos);
}

TEST_CASE("datagrams that this machine refused to send are not the server's silence alone") {
    Evidence evidence = attempt();
    CHECK(explanation(Reason::silence, evidence).find("refused to send") == std::string::npos);
    evidence.unsent = 3;
    CHECK(explanation(Reason::silence, evidence).find("refused to send 3 datagrams") != std::string::npos);
}

TEST_CASE("an answer in the other suite is a certain reason, and names both") {
    Evidence evidence = attempt();
    evidence.suite = vpn::crypto::Suite::hybrid;
    evidence.wrong_suites = 1;
    CHECK(diagnose(evidence) == Reason::wrong_suite);
    CHECK(is_certain(evidence));
    CHECK(explanation(Reason::wrong_suite, evidence).find("speaks suite wireguard with this client, and the file says hybrid") !=
          std::string::npos);
    evidence.suite = vpn::crypto::Suite::wireguard;
    CHECK(explanation(Reason::wrong_suite, evidence).find("speaks suite hybrid with this client, and the file says wireguard") !=
          std::string::npos);
}

TEST_CASE("switching to the weaker suite is warned of before it is told how") {
    Evidence evidence = attempt();
    evidence.suite = vpn::crypto::Suite::hybrid;
    evidence.wrong_suites = 1;
    const std::string text = explanation(Reason::wrong_suite, evidence);
    CHECK(text.find("Ask whoever runs the server first") < text.find("set \"suite\": \"wireguard\""));
    CHECK(text.find("gives up the safety from quantum computers") < text.find("set \"suite\": \"wireguard\""));
    evidence.suite = vpn::crypto::Suite::wireguard;
    CHECK(explanation(Reason::wrong_suite, evidence).find("quantum") == std::string::npos);
}

TEST_CASE("large datagrams are said to be lost where a small one was answered and a large one behind it was not") {
    Evidence evidence = attempt();
    evidence.suite = vpn::crypto::Suite::hybrid;
    evidence.link_mtu = 1280;
    evidence.declined = true;
    evidence.initiations_since_declined = 1;
    evidence.port_unreachable = 1; // what the server itself says outweighs it
    CHECK(diagnose(evidence) == Reason::silence);
    CHECK_FALSE(is_certain(evidence));
    const std::string text = explanation(Reason::silence, evidence);
    CHECK(text.find("3 handshakes of 1396 bytes had no answer") != std::string::npos);
    CHECK(text.find("own link has an MTU of 1280") != std::string::npos);
    CHECK(text.find("an MTU of 1424 (IPv6: 1444)") != std::string::npos);
    CHECK(summary_of(Reason::silence, evidence).find("large datagrams") != std::string::npos);
    for (const std::string& line : explain(Reason::silence, evidence)) CHECK(line.size() <= 130);
    evidence.link_mtu = 1500;
    CHECK(explanation(Reason::silence, evidence).find("own link") == std::string::npos);
}

TEST_CASE("nothing is said of fragments without that evidence") {
    Evidence evidence = attempt();
    evidence.suite = vpn::crypto::Suite::hybrid;
    evidence.declined = true;
    evidence.initiations_since_declined = 1;
    SUBCASE("nobody answered the question") { evidence.declined = false; }
    SUBCASE("no handshake went out behind the answer: the server may have come in between") {
        evidence.initiations_since_declined = 0;
    }
    SUBCASE("the large ones are small") { evidence.suite = vpn::crypto::Suite::wireguard; }
    SUBCASE("a large one had a cookie") { evidence.cookies = 1; }
    SUBCASE("a large one had an answer that can't be read") { evidence.rejected_responses = 1; }
    SUBCASE("the suite is the other") { evidence.wrong_suites = 1; }
    CHECK_FALSE(loses_large_datagrams(evidence));
    CHECK(explanation(Reason::silence, evidence).find("fragment") == std::string::npos);
}

TEST_CASE("the tokens are EXPERIENCE's") {
    CHECK(token_of(Reason::name_not_resolved) == "name-not-resolved");
    CHECK(token_of(Reason::no_route) == "no-route");
    CHECK(token_of(Reason::port_closed) == "port-closed");
    CHECK(token_of(Reason::busy) == "busy");
    CHECK(token_of(Reason::wrong_psk) == "wrong-psk");
    CHECK(token_of(Reason::wrong_suite) == "wrong-suite");
    CHECK(token_of(Reason::silence) == "silence");
    CHECK(token_of(Reason::no_return) == "no-return");
}
