// RFC 8305 and EXPERIENCE: when a peer's other addresses, and its other servers, have their turn.
#include "vpn-client/peer_search.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <initializer_list>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

Endpoint at(std::string_view text) { return Endpoint::parse(text).value(); }

config::HostPort named(std::string host) { return {std::move(host), Port{1}}; }

std::vector<Endpoint> all_at(std::initializer_list<std::string_view> texts) {
    std::vector<Endpoint> endpoints;
    for (const std::string_view text : texts) endpoints.push_back(at(text));
    return endpoints;
}

bool all_fit(const Endpoint&) { return true; }

const Boot start = Boot{} + 1h;

PeerSearch both_families() { return {{named("a.test")}, {all_at({"[::1]:1", "1.0.0.1:1", "[::2]:1"})}}; }

PeerSearch two_servers() { return {{named("a.test"), named("b.test")}, {all_at({"1.0.0.1:1"}), all_at({"2.0.0.1:1"})}}; }

constexpr auto anywhere = [](const Endpoint&) { return true; };

} // namespace

TEST_CASE("while an initiation waits, one more address is asked every quarter of a second, the other family first") {
    PeerSearch search = both_families();
    CHECK_FALSE(search.next_deadline().has_value());
    search.handle_initiation(at("[::1]:1"), 1, start);
    CHECK(search.next_deadline() == start + 250ms);
    CHECK_FALSE(search.take_raced(start + 249ms, all_fit).has_value());
    CHECK(search.take_raced(start + 250ms, all_fit) == at("1.0.0.1:1"));
    CHECK(search.next_deadline() == start + 500ms);
    CHECK_FALSE(search.take_raced(start + 499ms, all_fit).has_value());
    CHECK(search.take_raced(start + 500ms, all_fit) == at("[::2]:1"));
    CHECK_FALSE(search.take_raced(start + 2s, all_fit).has_value());
    CHECK(search.next_deadline() == start + 3s);
}

TEST_CASE("what no way leads to is passed over, and costs no time") {
    PeerSearch search = both_families();
    search.handle_initiation(at("[::1]:1"), 1, start);
    const auto fits = [](const Endpoint& each) { return each.address.family() == Family::v6; };
    CHECK(search.take_raced(start + 250ms, fits) == at("[::2]:1"));
    CHECK(search.next_deadline() == start + 3s);
}

TEST_CASE("a peer that answered is asked there alone, until it does not answer a second initiation or has another way") {
    PeerSearch search = both_families();
    search.handle_initiation(at("[::1]:1"), 1, start);
    search.handle_handshake(at("[::1]:1"));
    CHECK_FALSE(search.next_deadline().has_value());
    CHECK_FALSE(search.is_elsewhere());
    search.handle_initiation(at("[::1]:1"), 1, start + 2min);
    CHECK_FALSE(search.take_raced(start + 2min + 1s, all_fit).has_value());
    SUBCASE("a second one") { search.handle_initiation(at("[::1]:1"), 2, start + 2min + 2s); }
    SUBCASE("another way") {
        search.handle_new_way();
        search.handle_initiation(at("[::1]:1"), 1, start + 2min + 2s);
    }
    CHECK(search.take_raced(start + 2min + 2s + 250ms, all_fit) == at("1.0.0.1:1"));
}

TEST_CASE("after three seconds of silence, from the first initiation on, the next server has its turn, round and round") {
    PeerSearch search = two_servers();
    search.handle_initiation(at("1.0.0.1:1"), 1, start);
    search.handle_initiation(at("1.0.0.1:1"), 2, start + 1s);
    CHECK(search.next_deadline() == start + 3s);
    CHECK_FALSE(search.take_silence(start + 2999ms));
    CHECK(search.take_silence(start + 3s));
    CHECK_FALSE(search.take_silence(start + 4s));
    CHECK(search.next_server(at("1.0.0.1:1"), anywhere) == at("2.0.0.1:1"));
    search.handle_initiation(at("2.0.0.1:1"), 3, start + 3s);
    CHECK(search.next_deadline() == start + 6s);
    CHECK(search.take_silence(start + 6s));
    CHECK(search.next_server(at("2.0.0.1:1"), anywhere) == at("1.0.0.1:1"));
}

TEST_CASE("a server that is silent where it no longer is by its name is sought where the name says") {
    PeerSearch search = two_servers();
    search.handle_handshake(at("1.0.0.1:1"));
    CHECK(search.handle_addresses(named("a.test"), all_at({"1.0.0.9:1"})));
    CHECK(search.next_server(at("1.0.0.1:1"), anywhere) == at("1.0.0.9:1"));
    CHECK_FALSE(search.handle_addresses(named("c.test"), all_at({"3.0.0.1:1"})));
    CHECK_FALSE(search.book().knows(at("3.0.0.1:1")));
}

TEST_CASE("a peer is settled for 135 seconds after a handshake, unless it was silent since") {
    PeerSearch search = two_servers();
    CHECK_FALSE(search.is_settled(std::nullopt, start));
    CHECK(search.is_settled(start, start + 134s));
    CHECK_FALSE(search.is_settled(start, start + 135s));
    search.handle_initiation(at("1.0.0.1:1"), 1, start + 120s);
    CHECK(search.is_settled(start, start + 122s));
    REQUIRE(search.take_silence(start + 123s));
    CHECK_FALSE(search.is_settled(start, start + 123s));
    search.handle_handshake(at("2.0.0.1:1"));
    CHECK(search.is_settled(start + 124s, start + 125s));
    CHECK(search.next_server(at("2.0.0.1:1"), anywhere) == at("1.0.0.1:1"));
}

TEST_CASE("of a peer whose endpoint nobody knows, nothing is due, and nowhere is it sought") {
    PeerSearch search({}, {});
    search.handle_initiation(at("7.7.7.7:7"), 1, start);
    CHECK_FALSE(search.take_raced(start + 1s, all_fit).has_value());
    CHECK(search.take_silence(start + 3s));
    CHECK_FALSE(search.next_server(at("7.7.7.7:7"), anywhere).has_value());
    CHECK_FALSE(search.next_deadline().has_value());
}
