// THREATS: memory runs out. What must be done is done once there is some, whichever allocation failed before.
#include "vpn-client/network.hpp"

#include "common/system/link.hpp"
#include "common/system/route.hpp"
#include "common/system/rule.hpp"
#include "tests/support/failing_new.hpp"
#include "tests/support/net_namespace.hpp"
#include "vpn-client/firewall_keeper.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/portal/check.hpp"
#include "vpn-client/till_done.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
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
    static LeakLock lock() {
        LockFacts facts;
        facts.connection = facts.interface = "wg7";
        facts.full = true;
        auto lock = LeakLock::raise(facts);
        REQUIRE(lock);
        return std::move(*lock);
    }
    static std::string tables() { return shell("nft list ruleset"); }
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

TEST_CASE("a lock that somebody flushes while there is no memory is put up again when there is some") {
    Laptop laptop;
    boost::asio::io_context loop;
    Network network = laptop.put_up();
    LeakLock lock = Laptop::lock();
    const system::Logger log(system::LogLevel::error, system::LogTarget::standard_error, "test");
    const FirewallKeeper keeper(loop, "wg7", "", &lock, network, log);
    REQUIRE(lock.is_whole());
    CHECK(shell("nft flush ruleset").empty());
    {
        const FailingNew failing(1, true);
        try {
            loop.run_one();
        } catch (const std::bad_alloc&) {
        }
        CHECK(failing.failed());
    }
    REQUIRE_FALSE(lock.is_whole());
    run_until(loop, [&lock] { return lock.is_whole(); });
}

TEST_CASE("an endpoint that the lock could not let through for want of memory is let through when there is some") {
    Laptop laptop;
    boost::asio::io_context loop;
    Network network = laptop.put_up();
    LeakLock lock = Laptop::lock();
    const system::Logger log(system::LogLevel::error, system::LogTarget::standard_error, "test");
    const FirewallKeeper keeper(loop, "wg7", "", &lock, network, log);
    const Endpoint first{IpAddress::parse("192.0.2.7").value(), Port{1}, 0};
    const Endpoint second{IpAddress::parse("192.0.2.8").value(), Port{1}, 0};
    lock.admit_only({first});
    const auto admitted = [](const char* address) { return Laptop::tables().find(address) != std::string::npos; };
    CHECK(admitted("192.0.2.7"));
    {
        std::vector<Endpoint> both{first, second};
        const FailingNew failing(1, true);
        lock.admit_only(std::move(both));
        CHECK(failing.failed());
    }
    REQUIRE_FALSE(admitted("192.0.2.8"));
    run_until(loop, [&admitted] { return admitted("192.0.2.8"); });
    CHECK(admitted("192.0.2.7"));
}

TEST_CASE("whichever allocation fails while a portal is asked for, signals come to whoever asks as before") {
    for_each_allocation([](std::size_t number, bool for_good) {
        CAPTURE(number);
        PortalQuestion question{*config::HttpUrl::parse("http://127.0.0.1:9/"), {}, Mark{}, Duration::zero()};
        const FailingNew failing(number, for_good);
        try {
            const PortalCheck check(std::move(question));
        } catch (const std::bad_alloc&) {
        }
        sigset_t blocked;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        CHECK(::sigismember(&blocked, SIGTERM) == 0);
        return failing.failed();
    });
}
