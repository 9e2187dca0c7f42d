// A key as a line of text.
#include "keys/key_text.hpp"

#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::keys;

namespace {

constexpr std::string_view some_key = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

bool is_key(const std::string& text) { return parse_key_line<crypto::PrivateKey>(text).has_value(); }

} // namespace

TEST_CASE("a key line is 44 characters and the end of the line") {
    const auto key = vectors::array_from_hex<32>("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    CHECK(KeyLine(key).text() == std::string(some_key) + "\n");
}

TEST_CASE("a key line is read as it was written") {
    const auto key = parse_key_line<crypto::PublicKey>(std::string(some_key) + "\n");
    REQUIRE(key);
    CHECK(KeyLine(key->bytes).text() == std::string(some_key) + "\n");
}

TEST_CASE("blanks may stand behind a key, and nothing else may") {
    const std::string key(some_key);
    for (const char* const behind : {"", "\n", "\r\n", " ", "\t", "\n\n  \n"}) CHECK(is_key(key + behind));
    for (const char* const behind : {"x", "\nx", " x", "=", "\n#", "\xa0", "\x7f"}) CHECK_FALSE(is_key(key + behind));
    CHECK_FALSE(is_key(key + '\0'));
    CHECK_FALSE(is_key(key + "\n" + key + "\n"));
}

TEST_CASE("nothing may stand before a key, and no character may be missing") {
    const std::string key(some_key);
    for (const char* const before : {" ", "\n", "\xef\xbb\xbf", "PrivateKey = "}) CHECK_FALSE(is_key(before + key));
    for (std::size_t size = 0; size < key.size(); ++size) {
        CHECK_FALSE(is_key(key.substr(0, size)));
        CHECK_FALSE(is_key(key.substr(0, size) + "\n"));
    }
}
