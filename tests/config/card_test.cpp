#include "common/config/card.hpp"

#include "common/crypto/x25519.hpp"
#include "tests/config/faults.hpp"

#include <doctest/doctest.h>

namespace vpn::config {
namespace {

const Card card{"laptop", *crypto::PublicKey::parse(samples::own_public_key)};

const std::string answer = samples::with(samples::client_file(), "\"private_key\": \"" + std::string(samples::private_key),
                                         "\"public_key\": \"" + std::string(samples::own_public_key));

} // namespace

TEST_CASE("a card holds a name and a public key, and is read back equal") {
    CHECK(encode(card) == samples::with_keys("{\n  \"version\": 1,\n  \"name\": \"laptop\",\n  \"public_key\": \"OWN\"\n}\n"));
    CHECK(decode_card(encode(card), "c") == card);
}

TEST_CASE("what is no card is refused, with its line") {
    CHECK(fault_text(decode_card(samples::client_file(), "c")).starts_with("c:3: unknown key \"interface\" in the card"));
    CHECK(fault_text(decode_card(R"({"version": 1, "name": "a"})", "c")) == "c:1: \"public_key\" is missing in the card");
    CHECK(
        fault_text(decode_card(R"({"version": 1, "name": "a/b", "public_key": ""})", "c")).starts_with("c:1: \"name\" must be"));
    CHECK(fault_text(decode_card(samples::with(encode(card), "1,", "2,"), "c")).starts_with("c:2: \"version\" must be 1"));
    CHECK(fault_text(decode_card(samples::with(encode(card), samples::own_public_key, "file:/etc/key"), "c"))
              .find("keys in other files are not read here") != std::string::npos);
}

TEST_CASE("a key that waits is a file with nothing else, and no connection's") {
    const auto key = crypto::PrivateKey::parse(samples::private_key);
    const std::string text = encode_waiting_key(*key);
    const auto waiting = decode_waiting_key(text, "c");
    REQUIRE(waiting);
    CHECK(equal_in_constant_time(*waiting, *key));
    CHECK_FALSE(decode_client(text, "c"));
    CHECK_FALSE(decode_waiting_key(samples::client_file(), "c"));
}

TEST_CASE("an answer has the card's key in place of the private one, and only who joins them reads it") {
    const auto read = decode_client_or_answer(answer, "c");
    REQUIRE_MESSAGE(read, fault_text(read));
    CHECK(read->interface.public_key == card.public_key);
    CHECK(encode(*read) == answer);
    CHECK(read->clone() == *read);
    CHECK(fault_text(decode_client(answer, "c")) ==
          "c: this is a server's answer to a card: `vpn-client import` joins it to the key that waits for it");
    const auto both =
        samples::with(samples::client_file(), "\"mtu\": \"auto\"", "\"public_key\": \"" + std::string(samples::public_key) + '"');
    CHECK(fault_text(decode_client_or_answer(both, "c")).starts_with("c:7: \"public_key\" stands in place of a private key"));
}

} // namespace vpn::config
