#include "vpn-server/peer_edit.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {

using samples::holds;

TEST_CASE("an edit changes what it is for, and nothing else") {
    support::SeededRandom random(5);
    const config::ServerConfig before = samples::config();
    config::ServerConfig after = before.clone();
    config::ServerConfig expected = before.clone();
    config::ServerPeer& laptop = expected.peers[0];
    SUBCASE("disable") {
        REQUIRE(edit(after, AskEnablePeer{"laptop", false}, random));
        laptop.disabled = true;
    }
    SUBCASE("enable") { REQUIRE(edit(after, AskEnablePeer{"laptop", true}, random)); }
    SUBCASE("rename") {
        REQUIRE(edit(after, AskRenamePeer{"laptop", "notebook"}, random));
        laptop.name = "notebook";
    }
    SUBCASE("rename to what it is") { REQUIRE(edit(after, AskRenamePeer{"laptop", "laptop"}, random)); }
    SUBCASE("remove") {
        REQUIRE(edit(after, AskRemovePeer{"laptop"}, random));
        expected.peers.erase(expected.peers.begin());
    }
    SUBCASE("limit") {
        REQUIRE(edit(after,
                     AskLimitPeer{"laptop", {.expires = {}, .quota = ByteCount{7}, .rate = BitRate{1000}}, false, true, false},
                     random));
        laptop.limits.quota = ByteCount{7};
    }
    SUBCASE("rekey without a preshared key") {
        REQUIRE(edit(after, AskRekeyPeer{"laptop", samples::public_key(9), false}, random));
        laptop.public_key = samples::public_key(9);
    }
    CHECK(after == expected);
}

TEST_CASE("a limit is taken away by none, and what is not said stays") {
    support::SeededRandom random(5);
    config::ServerConfig config = samples::config();
    config.peers[0].limits = {.expires = Wall(std::chrono::seconds(1)), .quota = ByteCount{7}, .rate = BitRate{1000}};
    REQUIRE(edit(config, AskLimitPeer{"laptop", {}, true, false, true}, random));
    CHECK(config.peers[0].limits == config::PeerLimits{.expires = {}, .quota = ByteCount{7}, .rate = {}});
}

TEST_CASE("a new key of ours comes with a new preshared key") {
    support::SeededRandom random(5);
    config::ServerConfig config = samples::config();
    config.peers[0].preshared_key = crypto::generate_preshared_key(random);
    const auto before = config.peers[0].preshared_key.clone();
    REQUIRE(edit(config, AskRekeyPeer{"laptop", samples::public_key(9), true}, random));
    CHECK(config.peers[0].public_key == samples::public_key(9));
    CHECK_FALSE(config.peers[0].preshared_key.is_zero());
    CHECK_FALSE(equal_in_constant_time(config.peers[0].preshared_key, before));
}

TEST_CASE("what makes no sense is refused, and changes nothing") {
    support::SeededRandom random(5);
    const config::ServerConfig before = samples::config();
    config::ServerConfig config = before.clone();
    const auto refuses = [&](const auto& ask, std::string_view word) {
        const auto done = edit(config, ask, random);
        return !done && holds(done.error().message, word) && config == before;
    };
    CHECK(refuses(AskRemovePeer{"nobody"}, "nobody"));
    CHECK(refuses(AskEnablePeer{"nobody", false}, "nobody"));
    CHECK(refuses(AskRenamePeer{"nobody", "somebody"}, "nobody"));
    CHECK(refuses(AskRenamePeer{"laptop", "gateway"}, "already"));
    CHECK(refuses(AskRenamePeer{"laptop", "a/b"}, "a/b"));
    CHECK(refuses(AskRenamePeer{"laptop", ""}, "name"));
    CHECK(refuses(AskRekeyPeer{"nobody", samples::public_key(9), false}, "nobody"));
    CHECK(refuses(AskRekeyPeer{"laptop", samples::public_key(3), false}, "gateway"));
    CHECK(refuses(AskRekeyPeer{"laptop", samples::public_key(2), false}, "laptop")); // the key that it has
    CHECK(refuses(AskRekeyPeer{"laptop", {}, false}, "zeros"));
    CHECK(refuses(AskLimitPeer{"nobody", {}, true, true, true}, "nobody"));
}

} // namespace vpn::server
