// Where peers were outlives a restart, and who was there a moment ago is greeted.
#include "vpn-server/whereabouts_keeper.hpp"

#include "tests/system/scratch.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

namespace vpn::server {
namespace {

using namespace std::chrono_literals;

const crypto::PublicKey laptop = samples::public_key(2);
const crypto::PublicKey phone = samples::public_key(3);
const crypto::PublicKey tablet = samples::public_key(4);
constexpr Wall now{1'800'000'000s};

Whereabouts seen(const crypto::PublicKey& peer, const std::string& endpoint, Duration ago) {
    return {peer, Endpoint::parse(endpoint).value(), now - ago, std::nullopt};
}

/// A keeper over a file, and an engine's peers that the test plays.
struct Desk {
    explicit Desk(const std::string& path) : keeper(loop, WhereaboutsStore(path), log, [this] { return engine; }) {}

    /// Those that are greeted, in this order.
    std::vector<crypto::PublicKey> greeted() {
        std::vector<crypto::PublicKey> all;
        keeper.greet(now, [&](const crypto::PublicKey& key) { all.push_back(key); });
        loop.run();
        return all;
    }

    boost::asio::io_context loop;
    system::Logger log{system::LogLevel::error, system::LogTarget::standard_error, "test"};
    std::vector<Whereabouts> engine;
    WhereaboutsKeeper keeper;
};

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
}

} // namespace

TEST_CASE("peers are where they were before the restart; who was there a moment ago is greeted, the last one first") {
    const test::Scratch scratch;
    {
        Desk desk(scratch.file("endpoints"));
        CHECK(desk.keeper.kept().empty());
        desk.engine = {seen(laptop, "192.0.2.7:4242", 170s), seen(phone, "[fe80::7%3]:1", 10s),
                       seen(tablet, "[2001:db8::1]:9", 200s)};
        desk.keeper.save();
    }
    struct stat file {};
    REQUIRE(::stat(scratch.file("endpoints").c_str(), &file) == 0);
    CHECK((file.st_mode & 0777U) == 0600U);

    Desk desk(scratch.file("endpoints"));
    REQUIRE(desk.keeper.kept().size() == 3);
    for (const Whereabouts& each : desk.keeper.kept()) {
        if (each.peer == laptop) CHECK(each.endpoint.to_string() == "192.0.2.7:4242");
        if (each.peer == phone) CHECK(each.endpoint.to_string() == "[fe80::7%3]:1");
        if (each.peer == tablet) CHECK(each.handshake == now - 200s);
    }
    CHECK(desk.greeted() == std::vector{phone, laptop});
}

TEST_CASE("who has not come back yet is kept, who has moved is where he is now, who is no peer any more is forgotten") {
    const test::Scratch scratch;
    Desk desk(scratch.file("endpoints"));
    desk.engine = {seen(laptop, "192.0.2.7:1", 10s), seen(phone, "192.0.2.8:1", 10s), seen(tablet, "192.0.2.9:1", 10s)};
    desk.keeper.save();
    desk.engine = {seen(phone, "192.0.2.10:1", 5s)};
    desk.keeper.keep_only([](const crypto::PublicKey& key) { return key != tablet; });
    desk.keeper.save();
    Desk again(scratch.file("endpoints"));
    REQUIRE(again.keeper.kept().size() == 2);
    for (const Whereabouts& each : again.keeper.kept())
        CHECK(each.endpoint.to_string() == (each.peer == laptop ? "192.0.2.7:1" : "192.0.2.10:1"));
}

TEST_CASE("which of the server's keys a peer used is kept, and a file of the version before knows nothing of it") {
    const test::Scratch scratch;
    const WhereaboutsStore store(scratch.file("endpoints"));
    Whereabouts by_key = seen(laptop, "192.0.2.7:1", 1s);
    by_key.own_key = samples::public_key(1);
    REQUIRE(store.save({by_key, seen(phone, "192.0.2.8:1", 1s)}));
    const auto loaded = store.load();
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->size() == 2);
    CHECK((*loaded)[0].own_key == samples::public_key(1));
    CHECK((*loaded)[0].handshake == now - 1s);
    CHECK_FALSE((*loaded)[1].own_key.has_value());
    write(scratch.file("endpoints"), "vpn-endpoints 1\n" + laptop.to_string() + " 192.0.2.7:1 5\n");
    REQUIRE(store.load().has_value());
    CHECK_FALSE(store.load()->front().own_key.has_value());
}

TEST_CASE("nobody is greeted for a time that has not come yet") {
    const test::Scratch scratch;
    Desk desk(scratch.file("endpoints"));
    desk.engine = {seen(laptop, "192.0.2.7:1", -1s)};
    desk.keeper.save();
    CHECK(desk.greeted().empty());
}

TEST_CASE("a file that is not ours is refused, and started anew") {
    const test::Scratch scratch;
    const std::string path = scratch.file("endpoints");
    const std::string key = laptop.to_string();
    const std::string first = "vpn-endpoints 1\n";
    const std::string second = "vpn-endpoints 2\n";
    for (const std::string& text :
         {std::string(), std::string("vpn-endpoints 3\n"), second + key + " 192.0.2.7:1 5\n", second + key + " 192.0.2.7:1 5 \n",
          second + key + " 192.0.2.7:1 5 x\n", second + key + " 192.0.2.7:1 5 " + key + " -\n",
          first + key + " 192.0.2.7:1 5 -\n", first + key, first + key + "\n", first + key + " 192.0.2.7:1\n",
          first + key + " 192.0.2.7:1 \n", first + key + " 192.0.2.7 5\n", first + key + " 192.0.2.7:1 5x\n",
          first + key + " 192.0.2.7:1 5 5\n", first + "x" + key + " 192.0.2.7:1 5\n", first + "\n",
          first + key + " 192.0.2.7:1 99999999999999999999\n"}) {
        CAPTURE(text);
        write(path, text);
        CHECK_FALSE(WhereaboutsStore(path).load().has_value());
        Desk desk(path);
        CHECK(desk.keeper.kept().empty());
        desk.keeper.save();
        CHECK(WhereaboutsStore(path).load().has_value());
    }
    write(path, first + key + " 192.0.2.7:1 5\n");
    CHECK(WhereaboutsStore(path).load().value().size() == 1);
}

} // namespace vpn::server
