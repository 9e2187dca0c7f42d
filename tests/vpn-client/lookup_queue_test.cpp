// Names of many peers are asked for a few at a time, each by one question, and not again and again.
#include "vpn-client/lookup_queue.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

config::HostPort name(int number) { return {"a" + std::to_string(number) + ".test", Port{51820}}; }

constexpr Boot start{1000s};

} // namespace

TEST_CASE("a name that many want is asked for once, and not again for half a minute") {
    LookupQueue queue;
    for (int i = 0; i < 3; ++i) queue.want(name(1), start);
    CHECK(queue.next(start) == name(1));
    CHECK_FALSE(queue.next(start));
    queue.want(name(1), start + 60s); // the first question is still under way
    CHECK_FALSE(queue.next(start + 60s));
    queue.handle_end(name(1));
    CHECK(queue.is_idle());
    queue.want(name(1), start + 29s);
    CHECK_FALSE(queue.next(start + 29s));
    queue.want(name(1), start + 30s);
    CHECK(queue.next(start + 30s) == name(1));
}

TEST_CASE("what has just been looked up is not asked for again at once") {
    LookupQueue queue({name(1)}, start);
    queue.want(name(1), start + 29s);
    queue.want(name(2), start + 29s);
    CHECK(queue.next(start + 29s) == name(2));
    CHECK_FALSE(queue.next(start + 29s));
}

TEST_CASE("of a hundred names four are asked for at a time, the others when one of them is done, in their order") {
    LookupQueue queue;
    for (int i = 0; i < 100; ++i) queue.want(name(i), start);
    for (int i = 0; i < 4; ++i) CHECK(queue.next(start) == name(i));
    CHECK_FALSE(queue.next(start));
    for (int i = 4; i < 100; ++i) {
        queue.handle_end(name(i - 4));
        CHECK(queue.next(start) == name(i));
        CHECK_FALSE(queue.next(start));
    }
    CHECK_FALSE(queue.is_idle());
    for (int i = 96; i < 100; ++i) queue.handle_end(name(i));
    CHECK(queue.is_idle());
}

TEST_CASE("in another network what was under way is asked for anew, before what still waited, and lately counts no more") {
    LookupQueue queue({name(9)}, start);
    for (int i = 0; i < 6; ++i) queue.want(name(i), start);
    for (int i = 0; i < 4; ++i) CHECK(queue.next(start) == name(i));
    queue.begin_anew();
    CHECK(queue.is_idle());
    queue.want(name(9), start + 1s);
    for (int i = 0; i < 4; ++i) CHECK(queue.next(start + 1s) == name(i));
    for (int i = 0; i < 4; ++i) queue.handle_end(name(i));
    CHECK(queue.next(start + 1s) == name(4));
    CHECK(queue.next(start + 1s) == name(5));
    CHECK(queue.next(start + 1s) == name(9));
}
