#include "vpn-server/request.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {

using config::Json;

TEST_CASE("a daemon understands every request of a command's, on one line") {
    const Request requests[] = {
        AskConfigFile{},
        AskStatus{},
        AskReload{},
        AskRekey{std::chrono::days(7)},
        AskRekey{},
        AskEndOldKey{},
        AskAddPeer{{.name = "a \"b\"\n", .public_key = samples::public_key(3), .with_preshared_key = false}},
        AskAddPeer{
            {.name = "", .public_key = samples::public_key(3), .with_preshared_key = true, .suite = config::Suite::wireguard}},
        AskAddPeer{{.name = "a",
                    .public_key = samples::public_key(3),
                    .limits = {.expires = Wall(std::chrono::seconds(1'798'761'600)),
                               .quota = ByteCount{100'000'000'000},
                               .rate = BitRate{50'000'000}}}},
        AskRemovePeer{"łódź"},
        AskEnablePeer{"laptop", true},
        AskEnablePeer{"laptop", false},
        AskRenamePeer{"laptop", "note\"book"},
        AskRekeyPeer{"laptop", samples::public_key(3), false},
        AskLimitPeer{"laptop", {}, false, true, true},
        AskLimitPeer{"laptop", {.expires = Wall{}, .quota = ByteCount{1}, .rate = {}}, true, true, false},
        AskResetPeer{"laptop", false},
        AskResetPeer{"laptop", true}};
    for (const Request& request : requests) {
        const std::string line = encode(request);
        CHECK_FALSE(samples::holds(line, "\n"));
        const auto read = decode_request(line);
        REQUIRE(read);
        CHECK(*read == request);
    }
}

TEST_CASE("what is no request is refused") {
    for (const char* line : {"", "status", "{}", "[]", R"({"ask": "dance"})", R"({"ask": "remove-peer"})", R"({"ask": 7})",
                             R"({"ask": "rekey"})", R"({"ask": "rekey", "grace": -1})", R"({"ask": "rekey", "grace": 31536001})",
                             R"({"ask": "add-peer", "name": "a", "public_key": "short", "with_preshared_key": true})",
                             R"({"ask": "add-peer", "name": "a"})", R"({"ask": "enable-peer", "name": "a"})",
                             R"({"ask": "rename-peer", "name": "a"})", R"({"ask": "rekey-peer", "name": "a", "public_key": "x"})",
                             R"({"ask": "limit-peer", "name": "a", "quota": "much"})",
                             R"({"ask": "limit-peer", "name": "a", "quota": 5})", R"({"ask": "status"} {"ask": "status"})"})
        CHECK_FALSE(decode_request(line));
}

TEST_CASE("an answer comes back as it was given, a refusal with its code and its words") {
    const Answer good = Json::object({{"name", "laptop"}});
    CHECK(decode_answer(encode(good)).value() == *good);
    const Answer bad = refused(ExitCode::bad_configuration, "server.json:3: \"netwroks\" is unknown");
    const Answer read = decode_answer(encode(bad));
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ExitCode::bad_configuration);
    CHECK(read.error().message == bad.error().message);
    CHECK_FALSE(samples::holds(encode(bad), "\n"));
}

TEST_CASE("an answer that is none ends the command like any failure") {
    for (const char* line :
         {"", "ok", "{}", R"({"exit": 0, "error": "fine"})", R"({"exit": 9, "error": "?"})", R"({"error": "?"})"}) {
        const Answer answer = decode_answer(line);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == ExitCode::failure);
    }
}

} // namespace vpn::server
