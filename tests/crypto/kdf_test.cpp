// HMAC-BLAKE2s and HKDF against Python's hmac.
#include "common/crypto/kdf.hpp"

#include "tests/vectors/hex.hpp"
#include "tests/vectors/reference.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::crypto;
using vpn::vectors::pattern;

TEST_CASE("HMAC-BLAKE2s is that of Python's hmac, for keys shorter than a block, as long and longer") {
    for (const vectors::Digest& vector : vectors::hmacs) {
        CAPTURE(vector.key_size);
        CAPTURE(vector.size);
        const ByteVector key = pattern(vector.key_size, 3, 1);
        const ByteVector message = pattern(vector.size, 7, static_cast<unsigned>(vector.size));
        CHECK(format_hex(hmac(key, {message}).view()) == vector.digest);
        const std::size_t half = message.size() / 2;
        CHECK(format_hex(hmac(key, {Bytes(message).first(half), Bytes(message).subspan(half)}).view()) == vector.digest);
    }
}

TEST_CASE("HKDF gives the outputs that Python's hmac gives") {
    for (const vectors::Expansion& vector : vectors::expansions) {
        CAPTURE(vector.size);
        const ByteVector chain_bytes = pattern(32, 3, static_cast<unsigned>(vector.size));
        const DerivedKey chain(std::span<const std::byte, 32>(chain_bytes.data(), 32));
        const ByteVector input = pattern(vector.size, 7, 9);

        const auto three = kdf<3>(chain, input);
        for (std::size_t i = 0; i < 3; ++i) CHECK(format_hex(three[i].view()) == vector.outputs[i]);
        const auto two = kdf<2>(chain, input);
        for (std::size_t i = 0; i < 2; ++i) CHECK(format_hex(two[i].view()) == vector.outputs[i]);
        CHECK(format_hex(kdf<1>(chain, input)[0].view()) == vector.outputs[0]);
    }
}
