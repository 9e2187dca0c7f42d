#include "vpn-client/hooks.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

TEST_CASE("the interface's name stands for each %i") {
    CHECK(with_interface("ip link show %i; echo 100%", "wg0") == "ip link show wg0; echo 100%");
    CHECK(with_interface("%i%i%", "a") == "aa%");
    CHECK(with_interface("", "a").empty());
}

TEST_CASE("hooks keep the file's order, and their keys may be written in any case, as wg-quick has it") {
    const auto hooks =
        hooks_of({{4, "PostUp", "a"}, {5, "preup", "b"}, {6, "PREDOWN", "c"}, {7, "pOSTdOWN", "d"}, {8, "PostUp", "e"}});
    CHECK(hooks == std::vector<Hook>{{HookMoment::post_up, 4, "a"},
                                     {HookMoment::pre_up, 5, "b"},
                                     {HookMoment::pre_down, 6, "c"},
                                     {HookMoment::post_down, 7, "d"},
                                     {HookMoment::post_up, 8, "e"}});
    CHECK(name_of(hooks[1]) == "PreUp at line 5");
    CHECK(name_of(hooks[3]) == "PostDown at line 7");
}

TEST_CASE("no other key is a hook's") {
    for (const char* key : {"", "Pre", "PreUpp", "PostUp ", "Table", "PostU"}) {
        CAPTURE(key);
        CHECK_FALSE(moment_of(key));
    }
}

TEST_CASE("what goes up may take two minutes, and what goes down ten seconds") {
    CHECK(time_for(HookMoment::pre_up) == 2min);
    CHECK(time_for(HookMoment::post_up) == 2min);
    CHECK(time_for(HookMoment::pre_down) == 10s);
    CHECK(time_for(HookMoment::post_down) == 10s);
    CHECK(slow_hook == 10s);
}
