// RFC 8305 and EXPERIENCE: in which order a server's addresses, and several servers, are tried.
#include "vpn-client/endpoint_book.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace vpn;
using namespace vpn::client;

namespace {

Endpoint at(std::string_view text) { return Endpoint::parse(text).value(); }

std::vector<Endpoint> all_at(std::initializer_list<std::string_view> texts) {
    std::vector<Endpoint> endpoints;
    for (const std::string_view text : texts) endpoints.push_back(at(text));
    return endpoints;
}

} // namespace

TEST_CASE("the families take turns, the first address's first, and each keeps its order") {
    CHECK(families_in_turn(all_at({"[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"})) ==
          all_at({"[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"}));
    CHECK(families_in_turn(all_at({"1.0.0.1:1", "1.0.0.2:1", "[::1]:1"})) == all_at({"1.0.0.1:1", "[::1]:1", "1.0.0.2:1"}));
    CHECK(families_in_turn(all_at({"1.0.0.1:1", "1.0.0.2:1"})) == all_at({"1.0.0.1:1", "1.0.0.2:1"}));
    CHECK(families_in_turn({}).empty());
}

TEST_CASE("beside the address that is tried stand the others of its server, the other family first") {
    const EndpointBook book({all_at({"[::1]:1", "[::2]:1", "1.0.0.1:1", "1.0.0.2:1"}), all_at({"9.9.9.9:9"})});
    CHECK(book.first() == at("[::1]:1"));
    CHECK(book.others(at("[::1]:1")) == all_at({"1.0.0.1:1", "[::2]:1", "1.0.0.2:1"}));
    CHECK(book.others(at("1.0.0.2:1")) == all_at({"[::1]:1", "1.0.0.1:1", "[::2]:1"}));
    CHECK(book.knows(at("9.9.9.9:9")));
    CHECK_FALSE(book.knows(at("9.9.9.9:8")));
    CHECK(book.all().size() == 5);
}

TEST_CASE("servers are tried in order, round and round, those without an address left out") {
    EndpointBook book({{}, all_at({"2.0.0.1:1"}), {}, all_at({"4.0.0.1:1"})});
    CHECK(book.first() == at("2.0.0.1:1"));
    CHECK(book.next_server() == at("4.0.0.1:1"));
    CHECK(book.others(at("4.0.0.1:1")).empty());
    CHECK(book.next_server() == at("2.0.0.1:1"));
}

TEST_CASE("of one server alone there is no next, and of none no first") {
    EndpointBook one({all_at({"2.0.0.1:1"})});
    CHECK_FALSE(one.next_server().has_value());
    CHECK(one.first() == at("2.0.0.1:1"));
    EndpointBook none({{}, {}});
    CHECK_FALSE(none.next_server().has_value());
    CHECK_FALSE(none.first().has_value());
    CHECK(none.others(at("2.0.0.1:1")).empty());
}

TEST_CASE("a server at whose addresses nobody can be asked is left out, and the one that is asked is in use") {
    EndpointBook book({{at("1.0.0.1:1")}, {at("2.0.0.1:1"), at("2.0.0.2:1")}, {at("3.0.0.1:1")}});
    const auto not_one = [](const Endpoint& each) { return each != at("1.0.0.1:1") && each != at("2.0.0.1:1"); };
    CHECK(book.next_server(not_one) == at("2.0.0.2:1"));
    CHECK(book.next_server(not_one) == at("3.0.0.1:1"));
    CHECK(book.next_server(not_one) == at("2.0.0.2:1"));
    book.handle_asked(at("3.0.0.1:1"));
    CHECK(book.next_server() == at("1.0.0.1:1"));
    CHECK_FALSE(book.next_server([](const Endpoint&) { return false; }).has_value());
    CHECK(book.first() == at("1.0.0.1:1"));
}

TEST_CASE("who answered is in use, and an answer from elsewhere changes nothing") {
    EndpointBook book({all_at({"1.0.0.1:1"}), all_at({"2.0.0.1:1", "[::2]:1"})});
    book.handle_answer_from(at("[::2]:1"));
    CHECK(book.first() == at("2.0.0.1:1"));
    book.handle_answer_from(at("7.7.7.7:7"));
    CHECK(book.first() == at("2.0.0.1:1"));
}

TEST_CASE("where somebody answered last is tried behind all else, though its name says something else now") {
    EndpointBook book({all_at({"1.0.0.1:1"})});
    book.handle_answer_from(at("1.0.0.1:1"));
    book.handle_addresses(0, all_at({"6.6.6.6:1", "[::6]:1"}));
    CHECK_FALSE(book.knows(at("1.0.0.1:1")));
    CHECK(book.others(at("6.6.6.6:1")) == all_at({"[::6]:1", "1.0.0.1:1"}));
    CHECK(book.others(at("1.0.0.1:1")) == all_at({"[::6]:1", "6.6.6.6:1"}));
    CHECK(book.all() == all_at({"6.6.6.6:1", "[::6]:1", "1.0.0.1:1"}));
}

TEST_CASE("a name's new addresses take the place of the old ones") {
    EndpointBook book({all_at({"1.0.0.1:1"}), all_at({"2.0.0.1:1"})});
    book.handle_addresses(0, all_at({"1.0.0.7:1", "1.0.0.8:1", "[::7]:1"}));
    CHECK_FALSE(book.knows(at("1.0.0.1:1")));
    CHECK(book.first() == at("1.0.0.7:1"));
    CHECK(book.others(at("1.0.0.1:1")) == all_at({"[::7]:1", "1.0.0.7:1", "1.0.0.8:1"}));
}
