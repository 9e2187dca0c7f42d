// BLAKE2s against RFC 7693 and against Python's hashlib.
#include "common/crypto/blake2s.hpp"

#include "common/crypto/blake2s_stream.hpp"
#include "tests/vectors/hex.hpp"
#include "tests/vectors/reference.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::crypto;
using vpn::vectors::pattern;

namespace {

/// The generator of inputs in RFC 7693, appendix E.
ByteVector rfc7693_sequence(std::size_t size) {
    std::uint32_t a = 0xdead4badU * static_cast<std::uint32_t>(size);
    std::uint32_t b = 1;
    ByteVector bytes(size);
    for (std::byte& byte : bytes) {
        const std::uint32_t sum = a + b;
        a = b;
        b = sum;
        byte = static_cast<std::byte>(sum >> 24U);
    }
    return bytes;
}

Mac mac_of_whole(Bytes key, Bytes message) { return keyed_mac(key, {message}); }

} // namespace

TEST_CASE("BLAKE2s-256 of \"abc\" is that of RFC 7693, appendix B") {
    CHECK(format_hex(hash({bytes_of("abc")})) == "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

TEST_CASE("BLAKE2s passes the self-test of RFC 7693, appendix E: every digest size, keyed and unkeyed") {
    ByteArray<32> digest{};
    Blake2sStream all(32);
    for (const std::size_t digest_size : {16U, 20U, 28U, 32U}) {
        const MutableBytes out = MutableBytes(digest).first(digest_size);
        for (const std::size_t input_size : {0U, 3U, 64U, 65U, 255U, 1024U}) {
            const ByteVector input = rfc7693_sequence(input_size);
            Blake2sStream(digest_size).add(input).finish(out);
            all.add(out);
            Blake2sStream(digest_size, rfc7693_sequence(digest_size)).add(input).finish(out);
            all.add(out);
        }
    }
    all.finish(digest);
    CHECK(format_hex(digest) == "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST_CASE("the hash is that of Python's hashlib") {
    for (const vectors::Digest& vector : vectors::blake2s_hashes) {
        CAPTURE(vector.size);
        CHECK(format_hex(hash({pattern(vector.size, 7, static_cast<unsigned>(vector.size))})) == vector.digest);
    }
}

TEST_CASE("the 16-byte keyed hash is that of Python's hashlib") {
    for (const vectors::Digest& vector : vectors::blake2s_macs) {
        CAPTURE(vector.key_size);
        CAPTURE(vector.size);
        const ByteVector key = pattern(vector.key_size, 3, 1);
        const ByteVector message = pattern(vector.size, 7, static_cast<unsigned>(vector.size));
        CHECK(format_hex(mac_of_whole(key, message)) == vector.digest);
    }
}

TEST_CASE("parts hash like the same bytes in one piece, wherever they are cut") {
    const ByteVector message = pattern(200, 7, 0);
    const ByteVector key = pattern(32, 3, 1);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        CAPTURE(cut);
        const Bytes head = Bytes(message).first(cut);
        const Bytes tail = Bytes(message).subspan(cut);
        CHECK(hash({head, tail}) == hash({message}));
        CHECK(keyed_mac(key, {head, Bytes(), tail}) == mac_of_whole(key, message));
    }
}

TEST_CASE("the first hashes of a WireGuard handshake are the well-known ones") {
    const Hash chain = hash({bytes_of("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")});
    CHECK(format_hex(chain) == "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36");
    CHECK(format_hex(hash({chain, bytes_of("WireGuard v1 zx2c4 Jason@zx2c4.com")})) ==
          "2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3");
}

TEST_CASE("a MAC depends on its key, on the key's length and on every bit of the message") {
    const ByteVector key = pattern(32, 3, 1);
    ByteVector message = pattern(65, 7, 0);
    const Mac right = mac_of_whole(key, message);
    CHECK(mac_of_whole(Bytes(key).first(16), message) != right);
    CHECK(mac_of_whole(pattern(32, 3, 2), message) != right);
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
        const std::byte flip{static_cast<unsigned char>(1U << bit % 8)};
        message[bit / 8] ^= flip;
        CHECK(mac_of_whole(key, message) != right);
        message[bit / 8] ^= flip;
    }
    CHECK(mac_of_whole(key, message) == right);
}
