// The code that talks, run through tests/vectors/hybrid.txt, which a second implementation made (hybrid_handshake.py, from
// HYBRID.md and libsodium's shared library): both roles, every byte of every message.
#include "common/protocol/cookie.hpp"
#include "common/protocol/handshake.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/paper.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using noise::KeyPair;

namespace {

/// One section of the file: what it says by name.
using Vector = std::map<std::string, std::string>;

std::vector<Vector> read_vectors() {
    std::ifstream file(VPN_HYBRID_VECTORS);
    std::vector<Vector> all;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('[')) all.emplace_back();
        const auto sign = line.rfind(" = ");
        if (sign != std::string::npos && !line.starts_with('#')) all.back()[line.substr(0, sign)] = line.substr(sign + 3);
    }
    return all;
}

/// Gives what it was told to give, in that order, and nothing else.
class ScriptedRandom final : public Random {
  public:
    explicit ScriptedRandom(const std::string& hex) : left_(vectors::from_hex(hex)) {}
    void fill(MutableBytes out) override {
        REQUIRE(out.size() <= left_.size());
        copy(Bytes(left_).first(out.size()), out);
        left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(out.size()));
    }
    [[nodiscard]] bool used_up() const { return left_.empty(); }

  private:
    ByteVector left_;
};

std::uint32_t index_of(const std::string& hex) { return load_le<std::uint32_t>(vectors::from_hex(hex).data()); }

/// Both sides of one section.
struct Stage {
    explicit Stage(Vector the_vector) : vector(std::move(the_vector)) {}
    Vector vector;
    KeyPair initiator{private_key(vector.at("initiator static private"))};
    KeyPair responder{private_key(vector.at("responder static private"))};
    RemoteIdentity responder_for_initiator{responder.public_key, preshared_key(vector.at("preshared key")), initiator};
    RemoteIdentity initiator_for_responder{initiator.public_key, preshared_key(vector.at("preshared key")), responder};

    [[nodiscard]] ByteVector bytes(const std::string& name) const { return vectors::from_hex(vector.at(name)); }
    void write_macs(MutableBytes message, const crypto::PublicKey& receiver, const std::string& cookie) const {
        MacKeys(receiver).write_mac1({message});
        if (vector.contains(cookie)) paper::write_mac2(message, bytes(cookie));
    }

    Checked<PendingInitiation> initiate(MutableBytes message) {
        ScriptedRandom random(vector.at("initiator ephemeral private") + vector.at("initiator kem seed"));
        const crypto::Tai64n timestamp{vectors::array_from_hex<12>(vector.at("timestamp"))};
        auto pending = make_initiation(Suite::hybrid, initiator, responder_for_initiator,
                                       LocalIndex{index_of(vector.at("initiator index"))}, timestamp, random, message);
        CHECK(random.used_up());
        write_macs(message, responder.public_key, "cookie of the responder");
        return pending;
    }
    Checked<SessionKeys> answer(const ByteVector& initiation, MutableBytes message) {
        const auto view = std::get<InitiationView>(*decode(initiation));
        CHECK(MacKeys(responder.public_key).mac1_is_valid(view.macs()));
        auto opened = read_initiator(responder, view);
        REQUIRE(opened.has_value());
        CHECK(opened->initiator() == initiator.public_key);
        const auto timestamp = read_timestamp(*opened, responder, initiator_for_responder, view);
        REQUIRE(timestamp.has_value());
        CHECK(format_hex(timestamp->bytes) == vector.at("timestamp"));
        ScriptedRandom random(vector.at("responder ephemeral private") + vector.at("responder kem coins"));
        auto keys =
            answer_initiation(std::move(*opened), initiator_for_responder, LocalIndex{index_of(vector.at("responder index"))},
                              RemoteIndex{view.sender()}, random, message);
        CHECK(random.used_up());
        write_macs(message, initiator.public_key, "cookie of the initiator");
        return keys;
    }
};

/// `from` writes what the vectors say that `name` writes, and `to` reads it.
void check_data(const Stage& stage, const std::string& name, RemoteIndex receiver, const SessionKeys& from,
                const SessionKeys& to) {
    for (const auto& [counter, size] : {std::pair<std::uint64_t, std::size_t>{0, 0}, {1, 64}, {std::uint64_t{1} << 32U, 1420}}) {
        const ByteVector plain = vectors::pattern(size, 7, 0);
        ByteVector message(size + 48);
        from.seal(receiver, counter, plain, message);
        CHECK(format_hex(message) == stage.vector.at("data of the " + name + ", counter " + std::to_string(counter) + ", " +
                                                     std::to_string(size) + " bytes"));
        const auto opened = to.open({MutableBytes(message)});
        REQUIRE(opened.has_value());
        CHECK(std::equal(plain.begin(), plain.end(), opened->begin(), opened->end()));
    }
}

} // namespace

TEST_CASE("the vectors of suite hybrid are there, with a preshared key and without") {
    const auto all = read_vectors();
    REQUIRE(all.size() == 2);
    CHECK(all[0].at("initiation").size() == 2 * 1396);
    CHECK(all[0].at("response").size() == 2 * 1228);
    CHECK(all[0].at("preshared key") != all[1].at("preshared key"));
    CHECK(all[1].at("preshared key") == std::string(64, '0'));
}

TEST_CASE("we write the initiation and the response of the second implementation, byte for byte, and understand its own") {
    for (const Vector& vector : read_vectors()) {
        Stage stage(vector);
        CHECK(format_hex(stage.initiator.public_key.bytes) == vector.at("initiator static public"));
        CHECK(format_hex(stage.responder.public_key.bytes) == vector.at("responder static public"));
        ByteVector initiation(1396);
        const auto pending = stage.initiate(initiation);
        REQUIRE(pending.has_value());
        CHECK(format_hex(initiation) == vector.at("initiation"));

        ByteVector response(1228);
        const auto responders = stage.answer(stage.bytes("initiation"), response);
        REQUIRE(responders.has_value());
        CHECK(format_hex(response) == vector.at("response"));

        const ByteVector theirs = stage.bytes("response");
        const auto initiators =
            read_response(*pending, stage.initiator, stage.responder_for_initiator, std::get<ResponseView>(*decode(theirs)));
        REQUIRE(initiators.has_value());
        check_data(stage, "initiator", RemoteIndex{index_of(vector.at("responder index"))}, *initiators, *responders);
        check_data(stage, "responder", RemoteIndex{index_of(vector.at("initiator index"))}, *responders, *initiators);
    }
}

TEST_CASE("the hash and the chaining key at the end are those of the second implementation") {
    for (const Vector& vector : read_vectors()) {
        Stage stage(vector);
        const ByteVector initiation = stage.bytes("initiation");
        paper::Opened opened = paper::read_initiation(Suite::hybrid, initiation, stage.responder.private_key);
        CHECK(format_hex(opened.kem_key) == vector.at("initiator kem public"));
        CHECK(format_hex(opened.state.hash) == vector.at("initiation timestamp: h"));
        CHECK(format_hex(opened.state.chain) == vector.at("initiation ss: C"));
        const crypto::PrivateKey ephemeral = private_key(vector.at("initiator ephemeral private"));
        const crypto::KemPrivateKey kem(vectors::array_from_hex<64>(vector.at("initiator kem seed")));
        const auto psk = vectors::array_from_hex<32>(vector.at("preshared key"));
        REQUIRE(paper::read_response({ephemeral, stage.initiator.private_key, kem, psk}, stage.bytes("response"), opened.state));
        CHECK(format_hex(opened.state.hash) == vector.at("response empty: h"));
        CHECK(format_hex(opened.state.chain) == vector.at("response psk: C"));
        const auto [sending, receiving] = paper::transport_keys(opened.state);
        CHECK(format_hex(sending) == vector.at("initiator to responder"));
        CHECK(format_hex(receiving) == vector.at("responder to initiator"));
    }
}
