// PROTOCOL 2: timestamps outlive a restart.
#include "vpn-server/timestamp_keeper.hpp"

#include "tests/system/scratch.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

protocol::Timestamps stamps(std::uint64_t seed, int received) {
    protocol::Timestamps result{samples::public_key(seed), {}, {}};
    result.received.bytes[11] = static_cast<std::byte>(received);
    return result;
}

/// A keeper over a file, and an engine's list that the test plays.
struct Desk {
    explicit Desk(const std::string& path)
        : keeper(loop, tun::TimestampStore(path), log, [this] { return engine; }), store(path) {}

    std::byte received_of(std::uint64_t seed) {
        const auto loaded = store.load();
        for (const protocol::Timestamps& each : loaded.value())
            if (each.peer == samples::public_key(seed)) return each.received.bytes[11];
        return std::byte{0xff};
    }

    boost::asio::io_context loop;
    system::Logger log{system::LogLevel::error, system::LogTarget::standard_error, "test"};
    std::vector<protocol::Timestamps> engine;
    TimestampKeeper keeper;
    tun::TimestampStore store;
};

} // namespace

TEST_CASE("what the engine has is saved, and given to the next") {
    const test::Scratch scratch;
    {
        Desk desk(scratch.file("stamps"));
        desk.engine = {stamps(1, 7), stamps(2, 8)};
        desk.keeper.save();
    }
    Desk desk(scratch.file("stamps"));
    const auto kept = desk.keeper.take({samples::public_key(2), samples::public_key(9)});
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].received.bytes[11] == std::byte{8});
    CHECK(desk.keeper.take({samples::public_key(2)}).empty());
}

TEST_CASE("what the engine took over is not written beside what it made of it") {
    const test::Scratch scratch;
    REQUIRE(tun::TimestampStore(scratch.file("stamps")).save({stamps(1, 7), stamps(2, 8)}));
    Desk desk(scratch.file("stamps"));
    desk.engine = desk.keeper.take({samples::public_key(1)});
    desk.engine[0].received.bytes[11] = std::byte{9};
    desk.keeper.save();
    CHECK(desk.store.load().value().size() == 2);
    CHECK(desk.received_of(1) == std::byte{9});
    CHECK(desk.received_of(2) == std::byte{8});
}

TEST_CASE("what was kept of a peer that stays in the engine after all does not outlive what the engine has") {
    const test::Scratch scratch;
    Desk desk(scratch.file("stamps"));
    desk.engine = {stamps(1, 7)};
    desk.keeper.keep({samples::public_key(1)});
    desk.engine = {stamps(1, 9)};
    desk.keeper.save();
    CHECK(desk.store.load().value().size() == 1);
    CHECK(desk.received_of(1) == std::byte{9});
}

TEST_CASE("of two entries for one peer the greater times count") {
    const test::Scratch scratch;
    protocol::Timestamps late = stamps(1, 9);
    protocol::Timestamps early = stamps(1, 7);
    early.sent.bytes[11] = std::byte{5};
    REQUIRE(tun::TimestampStore(scratch.file("stamps")).save({late, early}));
    Desk desk(scratch.file("stamps"));
    const auto taken = desk.keeper.take({samples::public_key(1)});
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].received == late.received);
    CHECK(taken[0].sent == early.sent);
}

TEST_CASE("a peer that there was no handshake with takes no place on disk") {
    const test::Scratch scratch;
    Desk desk(scratch.file("stamps"));
    desk.engine = {stamps(1, 0), stamps(2, 8)};
    desk.keeper.save();
    CHECK(desk.store.load().value().size() == 1);
    CHECK(desk.received_of(2) == std::byte{8});
}

TEST_CASE("a peer that left the engine is kept as long as it is in the file") {
    const test::Scratch scratch;
    Desk desk(scratch.file("stamps"));
    desk.engine = {stamps(1, 7), stamps(2, 8)};
    desk.keeper.keep({samples::public_key(2)});
    desk.engine = {stamps(1, 9)};
    desk.keeper.save();
    CHECK(desk.received_of(1) == std::byte{9});
    CHECK(desk.received_of(2) == std::byte{8});
    desk.keeper.keep_only([](const crypto::PublicKey& key) { return key == samples::public_key(1); });
    desk.keeper.save();
    CHECK(desk.received_of(2) == std::byte{0xff});
}

TEST_CASE("a peer that is reset begins anew") {
    const test::Scratch scratch;
    Desk desk(scratch.file("stamps"));
    desk.engine = {stamps(1, 7)};
    desk.engine[0].sent.bytes[11] = std::byte{5};
    desk.keeper.keep({samples::public_key(1)});
    desk.engine.clear();
    desk.keeper.forget_received(samples::public_key(1));
    desk.keeper.save();
    CHECK(desk.received_of(1) == std::byte{0});
    CHECK(desk.store.load().value()[0].sent.bytes[11] == std::byte{5});
}

TEST_CASE("many changes make one write, on the loop, and not at once") {
    const test::Scratch scratch;
    Desk desk(scratch.file("stamps"));
    desk.engine = {stamps(1, 7)};
    for (int i = 0; i < 1000; ++i) desk.keeper.changed();
    CHECK(desk.store.load().value().empty());
    CHECK(desk.loop.run() == 1);
    CHECK(desk.received_of(1) == std::byte{7});
}

} // namespace vpn::server
