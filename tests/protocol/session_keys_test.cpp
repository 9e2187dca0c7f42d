// The WireGuard paper 5.4.6: what a session's keys make of a packet, held against the paper written out in
// tests/support/paper.hpp.
#include "common/protocol/session_keys.hpp"

#include "tests/support/paper.hpp"
#include "tests/support/seeded_random.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;

TEST_CASE("a data message is the paper's: header, counter as nonce, nothing associated") {
    SeededRandom random(5);
    const auto key = paper::bytes32(random.bytes(32));
    const SessionKeys keys{crypto::AeadKey(key), crypto::AeadKey(key)};
    for (const std::uint64_t counter : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 40U, UINT64_MAX - 9000}) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{16}, std::size_t{1420}}) {
            const ByteVector plain = random.bytes(size);
            ByteVector message(size + 32);
            keys.seal(RemoteIndex{0x01020304}, counter, plain, message);
            CHECK(message == paper::data(key, 0x01020304, counter, plain));
            const auto opened = keys.open({MutableBytes(message)});
            REQUIRE(opened.has_value());
            CHECK(std::equal(plain.begin(), plain.end(), opened->begin(), opened->end()));
        }
    }
}

TEST_CASE("sealing where the plaintext lies gives the same message") {
    SeededRandom random(6);
    const auto key = paper::bytes32(random.bytes(32));
    const SessionKeys keys{crypto::AeadKey(key), crypto::AeadKey(key)};
    const ByteVector plain = random.bytes(1424);
    ByteVector apart(plain.size() + 32);
    keys.seal(RemoteIndex{1}, 2, plain, apart);
    ByteVector in_place(plain.size() + 32);
    copy(plain, MutableBytes(in_place).subspan(16));
    keys.seal(RemoteIndex{1}, 2, Bytes(in_place).subspan(16, plain.size()), in_place);
    CHECK(apart == in_place);
}

TEST_CASE("no byte of a data message but its receiver index can be changed unseen") {
    SeededRandom random(8);
    const auto key = paper::bytes32(random.bytes(32));
    const SessionKeys keys{crypto::AeadKey(key), crypto::AeadKey(key)};
    const ByteVector genuine = paper::data(key, 5, 6, random.bytes(80));
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
    const SessionKeys keys{crypto::AeadKey(ours), crypto::AeadKey(theirs)};
    ByteVector message(48);
    keys.seal(RemoteIndex{1}, 2, ByteVector(16), message);
    CHECK_FALSE(keys.open({MutableBytes(message)}).has_value());
    message = paper::data(theirs, 1, 2, ByteVector(16));
    CHECK(keys.open({MutableBytes(message)}).has_value());
}
