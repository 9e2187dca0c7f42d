// The numbers of PROTOCOL 3 and of the WireGuard paper 6.1, restated.
#include "common/protocol/constants.hpp"

#include <doctest/doctest.h>

using namespace vpn::protocol;

TEST_CASE("the constants are the specification's") {
    CHECK(rekey_after_messages == 1'152'921'504'606'846'976U);   // 2^60
    CHECK(reject_after_messages == 18'446'744'073'709'543'423U); // 2^64 - 2^13 - 1
    CHECK(rekey_after_time == std::chrono::seconds(120));
    CHECK(reject_after_time == std::chrono::seconds(180));
    CHECK(rekey_timeout == std::chrono::seconds(5));
    CHECK(rekey_jitter_max == std::chrono::milliseconds(333));
    CHECK(rekey_attempt_time == std::chrono::seconds(90));
    CHECK(keepalive_timeout == std::chrono::seconds(10));
    CHECK(rekey_on_receive_after == std::chrono::seconds(165));
    CHECK(unanswered_timeout == std::chrono::seconds(15));
    CHECK(wipe_after == std::chrono::seconds(540));
    CHECK(cookie_lifetime == std::chrono::seconds(120));
    CHECK(initiation_spacing_min == std::chrono::milliseconds(20));
    CHECK(load_hold == std::chrono::seconds(1));
    CHECK(staged_packets_max == 128);
    CHECK(padding_multiple == 16);
}
