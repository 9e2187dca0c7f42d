// THREATS: memory runs out. What must be done is done once there is some, whichever allocation failed before.
#include "vpn-client/network.hpp"

#include "common/system/link.hpp"
#include "common/system/route.hpp"
#include "common/system/rule.hpp"
#include "tests/support/failing_new.hpp"
#include "tests/support/net_namespace.hpp"
#include "vpn-client/till_done.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <string>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;
using support::FailingNew;
using support::for_each_allocation;
using test::Inside;
using test::NetNamespace;
using test::shell;

namespace {

/// Runs the loop until `done`; what throws is given up, as by a daemon.
template <class Done> void run_until(boost::asio::io_context& loop, Done done) {
    while (!done()) {
        try {
            loop.run_one();
        } catch (const std::bad_alloc&) {
        }
    }
}

/// A network with an interface, and what a full tunnel puts up there.
class Laptop {
  public:
    Laptop() : inside_(net_) {
        CHECK(shell("ip link add wg7 type veth peer name far7; ip link set wg7 addrgenmode none; ip link set far7 up").empty());
        plan_.interface = system::find_link(netlink_, "wg7").value().index;
        plan_.apart = true;
        plan_.addresses = {{plan_.interface, Prefix::parse("10.66.0.2/24").value()}};
        for (const char* destination : {"0.0.0.0/1", "128.0.0.0/1"}) {
            system::Route route;
            route.destination = Prefix::parse(destination).value();
            route.interface = plan_.interface;
            route.table = table_of(0);
            plan_.routes.push_back(route);
        }
        for (const std::uint32_t number : {0U, 1U}) {
            system::Rule rule;
            rule.family = Family::v4;
            rule.priority = priority_of(0) + number;
            rule.table = table_of(0);
            rule.mark = system::MarkMatch{outer_mark, outer_mark};
            plan_.rules.push_back(rule);
        }
    }
    Network put_up() {
        auto network = Network::apply_apart(system::Netlink::open().value(), system::Nftables::open().value(), plan_);
        REQUIRE(network);
        return std::move(*network);
    }
    static std::string rules() { return shell("ip rule list"); }
    static std::string routes() { return shell("ip route show table all dev wg7"); }

  private:
    NetNamespace net_;
    Inside inside_;
    system::Netlink netlink_ = system::Netlink::open().value();
    NetworkPlan plan_;
};

} // namespace

TEST_CASE("what was refused or had no memory is tried again until it is done, and then no more") {
    boost::asio::io_context loop;
    int tries = 0;
    bool told_again = false;
    TillDone done(loop, [&](bool again) {
        if (++tries == 1) throw std::bad_alloc();
        told_again = again;
        return tries > 2;
    });
    SUBCASE("at once") { CHECK_THROWS_AS(done.begin(), std::bad_alloc); }
    SUBCASE("later") { done.begin_in(1ms); }
    run_until(loop, [&tries] { return tries == 3; });
    CHECK(told_again);
    bool over = false;
    Alarm a_while(loop, [&over] { over = true; });
    a_while.set_in(1500ms);
    run_until(loop, [&over] { return over; });
    CHECK(tries == 3);
}

TEST_CASE("whichever allocation fails while a network steps aside or back, the next step back puts all of it up again") {
    Laptop laptop;
    Network network = laptop.put_up();
    network.step_aside();
    REQUIRE(network.step_back());
    const std::string rules = Laptop::rules();
    const std::string routes = Laptop::routes();
    CHECK(rules.find("29001:") != std::string::npos);
    CHECK(routes.find("128.0.0.0/1") != std::string::npos);
    std::size_t failures = 0;
    bool aside = false;
    SUBCASE("aside") { aside = true; }
    SUBCASE("back") {}
    for_each_allocation([&](std::size_t number, bool for_good) {
        CAPTURE(number);
        if (!aside) network.step_aside();
        bool failed = false;
        {
            const FailingNew failing(number, for_good);
            try {
                if (aside)
                    network.step_aside();
                else
                    static_cast<void>(network.step_back());
            } catch (const std::bad_alloc&) {
            }
            failed = failing.failed();
        }
        REQUIRE(network.step_back());
        CHECK(Laptop::rules() == rules);
        CHECK(Laptop::routes() == routes);
        return failed && ++failures != 0;
    });
    CHECK(failures > 4);
}
