#include "vpn-client/sealed_hooks.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace std::string_literals;
using Kind = HookOrder::Kind;
using Step = SealedHooks::Step::Kind;

namespace {

std::string add(HookMoment moment, const std::string& command) { return encode({Kind::add, {moment, 4, command}, {}, {}}); }
std::string seal(const std::string& interface = "wg7") { return encode({Kind::seal, {}, interface, {}}); }
std::string run(HookMoment moment) { return encode({Kind::run, {}, {}, moment}); }
const std::string leave = encode({Kind::leave, {}, {}, {}});
const std::string end = encode({Kind::end, {}, {}, {}});

/// With one hook of PostUp.
SealedHooks sealed() {
    SealedHooks hooks;
    REQUIRE(hooks.handle_order(add(HookMoment::post_up, "true")));
    REQUIRE(hooks.handle_order(seal()));
    return hooks;
}

} // namespace

TEST_CASE("what was added before the seal may be run, each moment in its time") {
    SealedHooks hooks;
    for (const HookMoment moment : {HookMoment::pre_up, HookMoment::post_down})
        REQUIRE(hooks.handle_order(add(moment, "true %i")));
    REQUIRE(hooks.handle_order(seal()));
    CHECK(hooks.hooks() == std::vector<Hook>{{HookMoment::pre_up, 4, "true %i"}, {HookMoment::post_down, 4, "true %i"}});
    CHECK(hooks.interface() == "wg7");
    for (const HookMoment moment : {HookMoment::pre_up, HookMoment::post_up, HookMoment::pre_down, HookMoment::post_down}) {
        const auto step = hooks.handle_order(run(moment));
        REQUIRE(step);
        CHECK(step->kind == Step::run);
        CHECK(step->moment == moment);
    }
}

TEST_CASE("after the seal there is no other hook, and no other list") {
    SealedHooks hooks = sealed();
    CHECK_FALSE(hooks.handle_order(add(HookMoment::post_up, "rm -rf /")));
    CHECK_FALSE(hooks.handle_order(seal()));
    CHECK_FALSE(hooks.handle_order(seal("eth0")));
    CHECK(hooks.hooks() == std::vector<Hook>{{HookMoment::post_up, 4, "true"}});
    CHECK(hooks.interface() == "wg7");
}

TEST_CASE("before the seal nothing is run") {
    SealedHooks hooks;
    REQUIRE(hooks.handle_order(add(HookMoment::post_up, "true")));
    for (const std::string& order : {run(HookMoment::post_up), leave, end}) CHECK_FALSE(hooks.handle_order(order));
}

TEST_CASE("no moment comes twice, and none that has passed") {
    SealedHooks hooks = sealed();
    REQUIRE(hooks.handle_order(run(HookMoment::post_up)));
    CHECK_FALSE(hooks.handle_order(run(HookMoment::post_up)));
    CHECK_FALSE(hooks.handle_order(run(HookMoment::pre_up)));
    CHECK(hooks.handle_order(run(HookMoment::post_down)));
    CHECK_FALSE(hooks.handle_order(run(HookMoment::pre_down)));
}

TEST_CASE("a moment that nobody knows, and garbage, are refused before the seal and after it") {
    for (const std::string& garbage : {""s,
                                       "x"s,
                                       "r"s,
                                       "r\x04"s,
                                       "r\xff"s,
                                       "r\x01 "s,
                                       "run PostUp"s,
                                       "a"s,
                                       "a\x01"s,
                                       "a\x01\x04\0\0"s,
                                       "a\x04\x04\0\0\0true"s,
                                       "a\x01\xff\xff\xff\xfftrue"s,
                                       "a\x01\x04\0\0\0tr\0ue"s,
                                       "e "s,
                                       "ll"s,
                                       "s"s,
                                       "s eth0"s,
                                       "s../x"s,
                                       "sa-name-of-16-byte"s,
                                       "\0"s}) {
        CAPTURE(garbage);
        SealedHooks fresh;
        CHECK_FALSE(fresh.handle_order(garbage));
        SealedHooks hooks = sealed();
        CHECK_FALSE(hooks.handle_order(garbage));
    }
}

TEST_CASE("the terminal is let go of once, and to end what has ended is nothing") {
    SealedHooks hooks = sealed();
    CHECK(hooks.handle_order(end)->kind == Step::nothing);
    CHECK(hooks.handle_order(leave)->kind == Step::leave);
    CHECK_FALSE(hooks.handle_order(leave));
}

TEST_CASE("orders and news come back as they were sent") {
    for (const HookOrder& order :
         std::vector<HookOrder>{{Kind::add, {HookMoment::pre_down, 70'000, "a\nb\xff"}, {}, {}},
                                {Kind::add, {HookMoment::post_down, 1, std::string(longest_hook, 'x')}, {}, {}},
                                {Kind::seal, {}, "wg0", {}},
                                {Kind::run, {}, {}, HookMoment::post_down},
                                {Kind::end, {}, {}, {}},
                                {Kind::leave, {}, {}, {}}}) {
        CHECK(decode_hook_order(encode(order)) == order);
        CHECK(encode(order).size() <= longest_hook_order);
    }
    using Of = HookNews::Kind;
    for (const HookNews& news : std::vector<HookNews>{{Of::begun, 0, {}},
                                                      {Of::slow, 70'000, {}},
                                                      {Of::fine, 1, {}},
                                                      {Of::failed, 2, "exit 3"},
                                                      {Of::not_started, 3, "why"},
                                                      {}})
        CHECK(decode_hook_news(encode(news)) == news);
    CHECK_FALSE(decode_hook_order(encode({Kind::add, {HookMoment::pre_up, 1, std::string(longest_hook + 1, 'x')}, {}, {}})));
    CHECK(encode(HookNews{Of::failed, 0, std::string(longest_hook_news, 'x')}).size() == longest_hook_news);
}

TEST_CASE("news that is none is refused") {
    for (const std::string& garbage : {""s, "x"s, "b"s, "b\0\0\0"s, "g\0\0\0\0more"s, "o\0"s, "f"s}) {
        CAPTURE(garbage);
        CHECK_FALSE(decode_hook_news(garbage));
    }
}
