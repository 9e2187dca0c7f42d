// Whole trains of packets, clean and random ones, against the plain rules (DATAPATH 1, "Coalesce").
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/train_drawer.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::test;
using offload::Coalescer;
using support::SeededRandom;

namespace {

/// One flow, nothing lost, every packet of `segment` bytes.
Train clean_train(bool v6, bool tcp, std::size_t packets, std::size_t segment) {
    Train train;
    Packet packet{.v6 = v6, .tcp = tcp};
    packet.sequence = 0xffffff00U;
    packet.id = 0xfffe;
    packet.fragment_bits = 0;
    for (std::size_t i = 0; i < packets; ++i) {
        packet.payload = SeededRandom(i).bytes(segment);
        train.push_back({packet, Damage::none});
        packet.sequence += static_cast<std::uint32_t>(segment);
        ++packet.id;
    }
    return train;
}

/// How many packets each write has.
std::vector<std::size_t> writes(const Train& train) {
    std::vector<ByteVector> batch;
    for (const Sent& sent : train) batch.push_back(sent.bytes());
    std::vector<std::size_t> sizes;
    for (const Written& written : coalesce(batch)) sizes.push_back(written.packets);
    return sizes;
}

/// Small before large: what went wrong is easier to see.
template <class Draw> void check_many(std::size_t trains, Coalescer::Features features, Draw draw) {
    std::size_t merged = 0;
    for (std::uint64_t seed = 0; seed < trains; ++seed) {
        SeededRandom random(seed);
        const Train train = draw(random);
        CAPTURE(seed);
        REQUIRE(complaint(train, features) == "");
        merged += train.size() - plain_runs(train, features).size();
    }
    CHECK((merged > trains) == (features.tcp || features.udp));
}

} // namespace

TEST_CASE("a clean train is written in as few writes as there can be") {
    for (const bool v6 : {false, true}) {
        CAPTURE(v6);
        const std::size_t headers = v6 ? 60 : 40;
        for (const std::size_t segment : {1400U, 1448U, 8900U, 30000U}) {
            const std::size_t full = (65535 - headers) / segment;
            CAPTURE(segment);
            CHECK(complaint(clean_train(v6, true, 100, segment)) == "");
            CHECK(writes(clean_train(v6, true, full, segment)) == std::vector<std::size_t>{full});
            CHECK(writes(clean_train(v6, true, 2 * full + 1, segment)) == std::vector<std::size_t>{full, full, 1});
        }
        CHECK(writes(clean_train(v6, false, 64, 900)) == std::vector<std::size_t>{64});
        CHECK(writes(clean_train(v6, false, 129, 900)) == std::vector<std::size_t>{64, 64, 1});
        CHECK(writes(clean_train(v6, false, 50, 1400)) == std::vector<std::size_t>{46, 4});
    }
}

TEST_CASE("the longest super-packet has 65,535 bytes") {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            CAPTURE(v6);
            CAPTURE(tcp);
            const std::size_t room = 65535 - payload_at(Packet{.v6 = v6, .tcp = tcp});
            for (const std::size_t too_many : {0U, 1U}) {
                Train train = clean_train(v6, tcp, 3, room / 3 + 1);
                train[2].packet.payload.resize(room - 2 * (room / 3 + 1) + too_many);
                CHECK(complaint(train) == "");
                CHECK(writes(train).size() == 1 + too_many);
            }
        }
}

TEST_CASE("one write gathers no more parts than Linux takes at once: 1,024 with the header before them") {
    CHECK(writes(clean_train(false, true, 1023, 10)) == std::vector<std::size_t>{1023});
    const Train longer = clean_train(false, true, 1500, 10);
    CHECK(writes(longer) == std::vector<std::size_t>{1023, 477});
    CHECK(complaint(longer) == "");
}

TEST_CASE("flows that alternate packet by packet are merged each by itself") {
    for (const std::size_t flows : {2U, 5U, 16U}) {
        Train train;
        Train one = clean_train(false, true, 40, 1000);
        for (const Sent& sent : one)
            for (std::size_t flow = 0; flow < flows; ++flow) {
                train.push_back(sent);
                train.back().packet.source_port = static_cast<std::uint16_t>(1000 + flow);
                train.back().packet.v6 = flow % 2 == 1;
                train.back().packet.tcp = flow % 4 < 2;
            }
        CAPTURE(flows);
        CHECK(complaint(train) == "");
        CHECK(writes(train) == std::vector<std::size_t>(flows, 40));
    }
}

TEST_CASE("more flows in one batch than are remembered are written in order all the same") {
    Train train;
    for (const Sent& sent : clean_train(true, true, 10, 1000))
        for (std::size_t flow = 0; flow < 17; ++flow) {
            train.push_back(sent);
            train.back().packet.source_port = static_cast<std::uint16_t>(flow);
        }
    CHECK(complaint(train) == "");
}

TEST_CASE("random trains keep their order, come apart into what they were and are merged wherever they may be") {
    const auto draw = [](SeededRandom& random) {
        const std::size_t size = 1 + random.below(120);
        return TrainDrawer(random).draw(size);
    };
    check_many(700, {}, draw);
}

TEST_CASE("short trains of one kind of trouble each are handled as the plain rules say") {
    check_many(5000, {}, [](SeededRandom& random) { return TrainDrawer(random).draw(2 + random.below(6)); });
}

TEST_CASE("what the device does not take is not merged") {
    const auto draw = [](SeededRandom& random) { return TrainDrawer(random).draw(50); };
    SUBCASE("no UDP") { check_many(100, {.tcp = true, .udp = false}, draw); }
    SUBCASE("no TCP") { check_many(100, {.tcp = false, .udp = true}, draw); }
    SUBCASE("nothing") { check_many(100, {.tcp = false, .udp = false}, draw); }
}

TEST_CASE("bytes that are no packets at all go through as they are") {
    SeededRandom random(6);
    std::vector<ByteVector> batch;
    for (int i = 0; i < 500; ++i) {
        batch.push_back(random.bytes(random.below(100)));
        if (!batch.back().empty()) batch.back()[0] = static_cast<std::byte>(random.chance(50) ? 0x45 : 0x60);
    }
    const auto all = coalesce(batch);
    REQUIRE(all.size() == batch.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i].bytes == batch[i]);
        CHECK(all[i].header == offload::VnetHeader{});
    }
}
