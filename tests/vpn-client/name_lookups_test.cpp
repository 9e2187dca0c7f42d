// Names are looked up to the end whatever fails on the way, and a lock lets all pass that are asked, and nobody else.
#include "vpn-client/name_lookups.hpp"

#include "common/system/nftables.hpp"
#include "tests/support/net_namespace.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <new>
#include <string>

using namespace vpn;
using namespace vpn::client;

namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

/// Everybody knows it, without asking any server: each port is a name of its own.
config::HostPort here(std::uint16_t number) { return {"localhost", Port{number}}; }

void run_until(boost::asio::io_context& loop, const bool& done) {
    while (!done) REQUIRE(loop.run_one() > 0);
}

} // namespace

TEST_CASE("where memory fails for four look-ups, the next ones are begun nevertheless") {
    boost::asio::io_context loop;
    std::optional<LeakLock> lock;
    int looked = 0;
    bool heard = false;
    const auto resolvers = [&looked] {
        if (++looked <= 4) throw std::bad_alloc();
        return std::vector<Resolver>{address("127.0.0.1")};
    };
    NameLookups lookups(loop, {resolvers, std::nullopt, lock}, {},
                        [&](const config::HostPort& name, const system::Resolved& answer) {
                            CHECK(name == here(5));
                            CHECK(answer);
                            heard = true;
                        });
    CHECK_NOTHROW(lookups.ask({here(1), here(2), here(3), here(4)}));
    CHECK(looked == 4);
    lookups.ask({here(5)});
    run_until(loop, heard);
}

TEST_CASE("where memory fails for what follows from an answer, the names that wait are asked for nevertheless") {
    boost::asio::io_context loop;
    std::optional<LeakLock> lock;
    int heard = 0;
    bool all = false;
    NameLookups lookups(loop, {[] { return std::vector<Resolver>{address("127.0.0.1")}; }, std::nullopt, lock}, {},
                        [&](const config::HostPort&, const system::Resolved&) {
                            all = ++heard == 9;
                            throw std::bad_alloc();
                        });
    std::vector<config::HostPort> names;
    for (std::uint16_t i = 1; i <= 9; ++i) names.push_back(here(i));
    lookups.ask(names);
    CHECK_NOTHROW(run_until(loop, all));
}

TEST_CASE("whom to ask is looked up once for names that are asked for together") {
    boost::asio::io_context loop;
    std::optional<LeakLock> lock;
    int looked = 0;
    const auto resolvers = [&looked] {
        ++looked;
        return std::vector<Resolver>{address("127.0.0.1")};
    };
    NameLookups lookups(loop, {resolvers, std::nullopt, lock}, {}, [](const auto&, const auto&) {});
    lookups.ask({here(1), here(2), here(3), here(4)});
    CHECK(looked == 1);
}

TEST_CASE("that others are to be asked is news once") {
    boost::asio::io_context loop;
    std::optional<LeakLock> lock;
    std::vector<Resolver> servers{address("192.0.2.1")};
    NameLookups lookups(loop, {[&servers] { return servers; }, std::nullopt, lock}, {here(1)}, [](const auto&, const auto&) {});
    CHECK_FALSE(lookups.handle_new_resolvers());
    servers = {address("192.0.2.2")};
    CHECK(lookups.handle_new_resolvers());
    CHECK_FALSE(lookups.handle_new_resolvers());
    servers = {address("192.0.2.3")};
    lookups.ask_anew({here(1)});
    CHECK_FALSE(lookups.handle_new_resolvers());
}

TEST_CASE("the lock lets those be asked on whom an earlier look-up asks, and nobody once there is none") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    auto raised = LeakLock::raise({.connection = "names",
                                   .interface = "names",
                                   .endpoints = {},
                                   .full = true,
                                   .allowed_ips = {},
                                   .local_networks = {},
                                   .dns = {}});
    REQUIRE(raised);
    std::optional<LeakLock> lock(std::move(*raised));
    auto nftables = system::Nftables::open();
    REQUIRE(nftables);
    const auto lets_pass = [&nftables](std::string_view server) {
        return nftables->list("list table inet " + lock_table_name("names")).value().find(server) != std::string::npos;
    };
    boost::asio::io_context loop;
    std::vector<Resolver> servers{address("192.0.2.1")};
    int heard = 0;
    bool all = false;
    NameLookups lookups(loop, {[&servers] { return servers; }, std::nullopt, lock}, {},
                        [&](const config::HostPort&, const system::Resolved&) { all = ++heard == 3; });
    lookups.ask({here(1)});
    CHECK(lets_pass("192.0.2.1"));
    servers = {address("192.0.2.2")};
    lookups.ask({here(2)});
    CHECK(lets_pass("192.0.2.1"));
    CHECK(lets_pass("192.0.2.2"));
    servers = {address("192.0.2.3")};
    lookups.ask_anew({here(3)}); // in another network the former ones are out of reach
    CHECK_FALSE(lets_pass("192.0.2.1"));
    CHECK_FALSE(lets_pass("192.0.2.2"));
    CHECK(lets_pass("192.0.2.3"));
    run_until(loop, all);
    CHECK_FALSE(lets_pass("192.0.2.3"));
}
