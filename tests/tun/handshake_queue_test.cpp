// THREATS "a flood of handshakes": what waits is bounded, and one kind never crowds out the other.
#include "tun/handshake_queue.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using tun::HandshakeQueue;

namespace {

const Path somewhere{*Endpoint::parse("192.0.2.1:51820"), {}};

ByteVector initiation(unsigned number) { return ByteVector(148, static_cast<std::byte>(number)); }
ByteVector cookie_reply(unsigned number) { return ByteVector(64, static_cast<std::byte>(number)); }

bool push(HandshakeQueue& queue, const ByteVector& datagram) {
    bool first = false;
    return queue.push(datagram, somewhere, first);
}

} // namespace

TEST_CASE("what is pushed comes out in order, and the first of an empty queue says so") {
    HandshakeQueue queue;
    bool first = false;
    CHECK(queue.push(initiation(1), somewhere, first));
    CHECK(first);
    CHECK(queue.push(initiation(2), somewhere, first));
    CHECK_FALSE(first);
    CHECK(queue.pop()->datagram == initiation(1));
    CHECK(queue.pop()->datagram == initiation(2));
    CHECK_FALSE(queue.pop());
    CHECK(queue.empty());
}

TEST_CASE("a flood of cookie replies takes no handshake's place and is no load") {
    HandshakeQueue queue;
    for (unsigned i = 0; i < 64; ++i) CHECK(push(queue, cookie_reply(i)));
    CHECK_FALSE(push(queue, cookie_reply(64)));
    CHECK(push(queue, initiation(1)));
    CHECK(push(queue, initiation(2)));
    std::size_t handshakes = 0;
    for (int i = 0; i < 4; ++i) { // by the fourth, both have had their turn
        const auto item = queue.pop();
        CHECK(item->waiting <= 2);
        if (item->datagram.size() == 148) ++handshakes;
    }
    CHECK(handshakes == 2);
}

TEST_CASE("a flood of handshakes holds back no cookie reply") {
    HandshakeQueue queue;
    for (unsigned i = 0; i < 4096; ++i) CHECK(push(queue, initiation(i)));
    CHECK_FALSE(push(queue, initiation(0)));
    CHECK(push(queue, cookie_reply(1)));
    const auto one = queue.pop();
    const auto other = queue.pop();
    CHECK(one->waiting == 4096);
    CHECK((one->datagram.size() == 64 || other->datagram.size() == 64));
}
