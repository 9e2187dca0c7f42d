// What a peer used of its quota outlives a restart, a crash but for its last seconds, and a new key.
#include "vpn-server/usage_keeper.hpp"

#include "tests/support/net_namespace.hpp"
#include "tests/system/scratch.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

#include <vector>

#include <fstream>
#include <unistd.h>

namespace vpn::server {
namespace {

const crypto::PublicKey laptop = samples::public_key(2);
const crypto::PublicKey phone = samples::public_key(3);

/// A keeper over a file, and an engine's sums that the test plays.
struct Desk {
    explicit Desk(const std::string& path)
        : keeper(loop, UsageStore(path), log, [this](const crypto::PublicKey& key) -> std::optional<ByteCount> {
              const auto found = engine.find(key);
              return found == engine.end() ? std::nullopt : std::optional(found->second);
          }) {}

    boost::asio::io_context loop;
    system::Logger log{system::LogLevel::error, system::LogTarget::standard_error, "test"};
    Usage engine;
    UsageKeeper keeper;
};

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
}

} // namespace

TEST_CASE("what passes is added to what was used before the restart") {
    const test::Scratch scratch;
    {
        Desk desk(scratch.file("usage"));
        desk.keeper.follow_only({laptop});
        desk.engine[laptop] = ByteCount{700};
        CHECK(desk.keeper.of(laptop) == ByteCount{700});
        desk.engine[laptop] = ByteCount{1000};
        desk.keeper.save();
    }
    Desk desk(scratch.file("usage"));
    desk.keeper.follow_only({laptop});
    CHECK(desk.keeper.of(laptop) == ByteCount{1000});
    desk.engine[laptop] = ByteCount{50};
    CHECK(desk.keeper.of(laptop) == ByteCount{1050});
}

TEST_CASE("a quota counts from when it was given") {
    const test::Scratch scratch;
    Desk desk(scratch.file("usage"));
    desk.engine[laptop] = ByteCount{5000};
    desk.keeper.follow_only({laptop});
    CHECK(desk.keeper.of(laptop) == ByteCount{});
    desk.engine[laptop] = ByteCount{5001};
    CHECK(desk.keeper.of(laptop) == ByteCount{1});
}

TEST_CASE("a peer that left the engine and came back counts from zero there, and goes on here") {
    const test::Scratch scratch;
    Desk desk(scratch.file("usage"));
    desk.keeper.follow_only({laptop});
    desk.engine[laptop] = ByteCount{700};
    REQUIRE(desk.keeper.of(laptop) == ByteCount{700});
    desk.engine.clear();
    CHECK(desk.keeper.of(laptop) == ByteCount{700});
    desk.engine[laptop] = ByteCount{20};
    CHECK(desk.keeper.of(laptop) == ByteCount{720});
}

TEST_CASE("a reset begins anew, on disk too") {
    const test::Scratch scratch;
    Desk desk(scratch.file("usage"));
    desk.keeper.follow_only({laptop});
    desk.engine[laptop] = ByteCount{700};
    desk.keeper.reset(laptop);
    CHECK(desk.keeper.of(laptop) == ByteCount{});
    CHECK(UsageStore(scratch.file("usage")).load().value().at(laptop) == ByteCount{});
    desk.engine[laptop] = ByteCount{701};
    CHECK(desk.keeper.of(laptop) == ByteCount{1});
}

TEST_CASE("a new key brings no new quota") {
    const test::Scratch scratch;
    Desk desk(scratch.file("usage"));
    desk.keeper.follow_only({laptop});
    desk.engine[laptop] = ByteCount{700};
    desk.keeper.move(laptop, phone);
    desk.keeper.follow_only({phone});
    CHECK(desk.keeper.of(phone) == ByteCount{700});
    CHECK(desk.keeper.of(laptop) == ByteCount{});
}

TEST_CASE("who has no quota any more is forgotten, and a server without quotas writes nothing") {
    const test::Scratch scratch;
    Desk desk(scratch.file("usage"));
    desk.keeper.follow_only({});
    desk.keeper.save();
    CHECK(::access(scratch.file("usage").c_str(), F_OK) != 0);
    desk.keeper.follow_only({laptop, phone});
    desk.engine[laptop] = ByteCount{700};
    desk.keeper.save();
    desk.keeper.follow_only({phone});
    const Usage left = UsageStore(scratch.file("usage")).load().value();
    CHECK(left.size() == 1);
    CHECK(left.contains(phone));
}

TEST_CASE("a file that is not ours is refused as a whole, and the keeper begins anew") {
    const std::string key = laptop.to_string();
    const test::Scratch scratch;
    const std::vector<std::string> texts = {std::string(),
                                            std::string("vpn-usage 2\n"),
                                            "vpn-usage 1\n" + key + "\n",
                                            "vpn-usage 1\n" + key + " 12",
                                            "vpn-usage 1\n" + key + " -1\n",
                                            "vpn-usage 1\n" + key + " 99999999999999999999\n",
                                            "vpn-usage 1\n" + key + " 1x\n",
                                            "vpn-usage 1\n" + key + " 1\n" + key + " 2\n",
                                            "vpn-usage 1\nshort 5\n",
                                            "vpn-usage 1\n\n"};
    for (const std::string& text : texts) {
        write(scratch.file("usage"), text);
        CHECK_FALSE(UsageStore(scratch.file("usage")).load());
    }
    Desk desk(scratch.file("usage"));
    desk.keeper.follow_only({laptop});
    CHECK(desk.keeper.of(laptop) == ByteCount{});
}

TEST_CASE("a full disk leaves what was there, and what is in memory") {
    const test::Scratch scratch;
    test::with_own_mounts([&] {
        test::shell("mkdir " + scratch.file("disk") + " && mount -t tmpfs -o size=8k,mode=700 none " + scratch.file("disk"));
        const std::string path = scratch.file("disk/usage");
        Desk desk(path);
        desk.keeper.follow_only({laptop});
        desk.engine[laptop] = ByteCount{700};
        desk.keeper.save();
        test::shell("head -c 100000 /dev/zero > " + scratch.file("disk/ballast"));
        desk.engine[laptop] = ByteCount{900};
        desk.keeper.save();
        CHECK(UsageStore(path).load().value().at(laptop) == ByteCount{700});
        CHECK(desk.keeper.of(laptop) == ByteCount{900});
        test::shell("rm " + scratch.file("disk/ballast"));
        desk.keeper.save();
        CHECK(UsageStore(path).load().value().at(laptop) == ByteCount{900});
    });
}

} // namespace vpn::server
