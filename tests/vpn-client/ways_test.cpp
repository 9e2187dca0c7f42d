// THREATS, "address or route changed": what counts as another way out, and what does not.
#include "vpn-client/ways.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using Event = system::NetlinkEvent;

namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

const IpAddress server = address("198.51.100.10");
const Way by_wire{2, address("192.0.2.1"), address("192.0.2.2"), true};

Ways known() {
    Ways ways;
    (void)ways.handle_look(server, by_wire);
    return ways;
}

Event link(std::uint32_t interface, bool up, bool running) { return {Event::Kind::link_changed, interface, up, running}; }

} // namespace

TEST_CASE("what was never looked at has not changed") {
    Ways ways;
    CHECK_FALSE(ways.handle_look(server, by_wire));
    CHECK_FALSE(Ways().handle_look(server, std::nullopt));
}

TEST_CASE("a look that finds the same is no change, whatever happened elsewhere") {
    Ways ways = known();
    ways.handle_events(
        {{Event::Kind::route_added, 9}, {Event::Kind::address_removed, 2}, link(9, false, false), link(2, true, true)});
    CHECK_FALSE(ways.handle_look(server, by_wire));
}

TEST_CASE("another address, gateway or interface is another way") {
    Way other = by_wire;
    SUBCASE("address") { other.source = address("192.0.2.3"); }
    SUBCASE("gateway") { other.gateway = address("192.0.2.7"); }
    SUBCASE("no gateway") { other.gateway.reset(); }
    SUBCASE("interface") { other.interface = 3; }
    Ways ways = known();
    CHECK(ways.handle_look(server, other));
    CHECK_FALSE(ways.handle_look(server, other));
    CHECK(ways.handle_look(server, by_wire));
}

TEST_CASE("a way that was gone is another one when it comes back, and its loss is nothing to act on") {
    Ways ways = known();
    CHECK_FALSE(ways.handle_look(server, std::nullopt));
    CHECK_FALSE(ways.leads_to(server));
    CHECK(ways.handle_look(server, by_wire));
    CHECK(ways.leads_to(server));
}

TEST_CASE("what a look leaves out is forgotten") {
    Ways ways;
    CHECK_FALSE(ways.handle_look(server, std::nullopt));
    ways.end_look();
    CHECK_FALSE(ways.leads_to(server));
    ways.end_look();
    CHECK(ways.leads_to(server)); // for all that is known
    CHECK_FALSE(ways.handle_look(server, by_wire));
}

TEST_CASE("a cable that is pulled and put back makes another way of the same one") {
    Way pulled = by_wire;
    pulled.carries = false;
    Ways ways = known();
    CHECK_FALSE(ways.handle_look(server, pulled));
    CHECK(ways.handle_look(server, by_wire));
}

TEST_CASE("a link that went and came back between two looks may be another network, though it looks the same") {
    for (const Event& event : {link(2, true, false), link(2, false, false), Event{Event::Kind::link_removed, 2}}) {
        Ways ways = known();
        ways.handle_events({event, link(2, true, true)});
        CHECK(ways.handle_look(server, by_wire));
        ways.end_look();
        CHECK_FALSE(ways.handle_look(server, by_wire));
    }
}

TEST_CASE("ways to several addresses are told apart") {
    const IpAddress other = address("2001:db8:100::10");
    const Way six{2, address("fe80::1"), address("2001:db8:2::2"), true};
    Ways ways = known();
    CHECK_FALSE(ways.handle_look(other, six));
    CHECK_FALSE(ways.handle_look(server, std::nullopt));
    CHECK_FALSE(ways.handle_look(other, six));
    CHECK(ways.leads_to(other));
    CHECK_FALSE(ways.leads_to(server));
    CHECK(ways.leads_to(address("203.0.113.80"))); // nobody has looked
}
