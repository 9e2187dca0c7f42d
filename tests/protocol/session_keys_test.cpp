// The WireGuard paper 5.4.6: what a session's keys make of a packet, held against the paper written out in
// tests/support/paper.hpp.
#include "common/protocol/session_keys.hpp"

#include "tests/support/paper.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;

TEST_CASE("a data message is the paper's: header, counter as nonce, nothing associated") {
    SeededRandom random(5);
    const auto key = paper::bytes32(random.bytes(32));
    const SessionKeys keys{suite_under_test(), crypto::AeadKey(key), crypto::AeadKey(key)};
    for (const std::uint64_t counter : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 40U, UINT64_MAX - 9000}) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{16}, std::size_t{1420}}) {
            const ByteVector plain = random.bytes(size);
            ByteVector message(size + numbers().overhead);
            keys.seal(RemoteIndex{0x01020304}, counter, plain, message);
            CHECK(message == paper::data(suite_under_test(), key, 0x01020304, counter, plain));
            const auto opened = keys.open({MutableBytes(message)});
            REQUIRE(opened.has_value());
            CHECK(std::equal(plain.begin(), plain.end(), opened->begin(), opened->end()));
        }
    }
}

TEST_CASE("sealing where the plaintext lies gives the same message") {
    SeededRandom random(6);
    const auto key = paper::bytes32(random.bytes(32));
    const SessionKeys keys{suite_under_test(), crypto::AeadKey(key), crypto::AeadKey(key)};
    const ByteVector plain = random.bytes(1424);
    ByteVector apart(plain.size() + numbers().overhead);
    keys.seal(RemoteIndex{1}, 2, plain, apart);
    ByteVector in_place(plain.size() + numbers().overhead);
    copy(plain, MutableBytes(in_place).subspan(16));
    keys.seal(RemoteIndex{1}, 2, Bytes(in_place).subspan(16, plain.size()), in_place);
    CHECK(apart == in_place);
}

TEST_CASE("no byte of a data message but its receiver index can be changed unseen") {
    SeededRandom random(8);
    const auto key = paper::bytes32(random.bytes(32));
    const SessionKeys keys{suite_under_test(), crypto::AeadKey(key), crypto::AeadKey(key)};
    const ByteVector genuine = paper::data(suite_under_test(), key, 5, 6, random.bytes(80));
    for (std::size_t i = 8; i < genuine.size(); ++i) { // what lies before is the type, and the index that finds the key
        ByteVector forged = genuine;
        forged[i] ^= std::byte{4};
        const auto opened = keys.open({MutableBytes(forged)});
        if (opened || opened.error() != Drop::bad_tag) FAIL("byte ", i);
    }
}

TEST_CASE("each direction has its own key: what we sealed ourselves is not opened") {
    SeededRandom random(9);
    const auto ours = paper::bytes32(random.bytes(32));
    const auto theirs = paper::bytes32(random.bytes(32));
    const SessionKeys keys{suite_under_test(), crypto::AeadKey(ours), crypto::AeadKey(theirs)};
    ByteVector message(16 + numbers().overhead);
    keys.seal(RemoteIndex{1}, 2, ByteVector(16), message);
    CHECK_FALSE(keys.open({MutableBytes(message)}).has_value());
    message = paper::data(suite_under_test(), theirs, 1, 2, ByteVector(16));
    CHECK(keys.open({MutableBytes(message)}).has_value());
}

TEST_CASE("what is shorter than header and tag of its suite is malformed, and the shortest that isn't carries nothing") {
    SeededRandom random(10);
    const auto key = paper::bytes32(random.bytes(32));
    for (const Suite suite : every_suite) {
        const std::size_t overhead = numbers_of(suite).overhead;
        const SessionKeys keys{suite, crypto::AeadKey(key), crypto::AeadKey(key)};
        CHECK(keys.overhead() == overhead);
        CHECK(data_overhead(suite) == overhead);
        ByteVector empty = paper::data(suite, key, 1, 2, {});
        REQUIRE(empty.size() == overhead);
        for (std::size_t size = 32; size < overhead; ++size) {
            const auto opened = keys.open({MutableBytes(empty).first(size)});
            REQUIRE_FALSE(opened.has_value());
            CHECK(opened.error() == Drop::malformed);
        }
        const auto opened = keys.open({MutableBytes(empty)});
        REQUIRE(opened.has_value());
        CHECK(opened->empty());
    }
}

TEST_CASE("the same keys in the other suite open nothing") {
    SeededRandom random(11);
    const auto key = paper::bytes32(random.bytes(32));
    for (const Suite suite : every_suite) {
        ByteVector message = paper::data(other_than(suite), key, 1, 2, random.bytes(64));
        const SessionKeys keys{suite, crypto::AeadKey(key), crypto::AeadKey(key)};
        const auto opened = keys.open({MutableBytes(message)});
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error() == Drop::bad_tag);
    }
}
