// DATAPATH 2 on real kernels: datagrams that leave as one and arrive as one, and every way in which a link forbids it.
#include "tests/system/udp_talk.hpp"

#include <array>
#include <optional>

using namespace vpn;
using namespace vpn::test;
using system::OutgoingDatagram;
using system::SendReport;
using system::UdpSocket;

namespace {

constexpr std::size_t largest_payload = 65507;

struct Side {
    Family family;
    const char* loopback;
    const char* far;
    const char* other_far; ///< a second address of the far one
};
constexpr std::array sides{Side{Family::v4, "127.0.0.1", "10.0.0.2", "10.0.0.3"}, Side{Family::v6, "::1", "fd01::2", "fd01::3"}};

/// What a data path sends: from two datagrams to the longest run, in all sizes that an Ethernet takes.
std::vector<Run> runs_of_every_kind() {
    return {Run(2, 1),          Run(64, 1),          Run(2, 1000),       Run(3, 1000, 999), Run(64, 1000),
            Run(64, 1000, 1),   Run(45, 1452),       Run(45, 1452, 167), Run(20, 32, 16),   Run(10, 148),
            Run(2, 1452, 1451), Run(13, 1040, 1024), Run(1, 1452)};
}

/// Sends each of the runs, one send each, and checks that all of it arrives as it was. Gives how many datagrams came together.
std::size_t exchange(UdpSocket& near, UdpSocket& far, const Endpoint& remote, const std::vector<Run>& runs) {
    std::size_t together = 0;
    for (const Run& run : runs) {
        const auto expected = run.datagrams();
        CAPTURE(expected.size());
        CAPTURE(expected.front().size());
        const SendReport report = send_one(near, run.to(remote));
        CHECK(report.sent == expected.size());
        CHECK(report.dropped() == 0);
        const Arrived arrived = receive_all(far, expected.size());
        CHECK(arrived.datagrams == expected);
        together += arrived.together;
    }
    return together;
}

void add_second_address(const Joined& joined) {
    const Inside there(joined.far());
    CHECK(shell("ip address add 10.0.0.3/24 dev far0; ip address add fd01::3/64 dev far0 nodad") == "");
    wait_until_local("fd01::3");
}

} // namespace

TEST_CASE("a run leaves as one and arrives as one, byte for byte, its last datagram shorter or not") {
    const Joined joined;
    for (const Side& side : sides) {
        CAPTURE(std::string(side.far));
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        for (const Run& run : runs_of_every_kind()) {
            const auto expected = run.datagrams();
            CHECK(send_one(near, run.to(at(side.far, far))).sent == expected.size());
            const Arrived arrived = receive_all(far, expected.size());
            CHECK(arrived.datagrams == expected);
            CHECK(arrived.largest == expected.size());
        }
    }
}

TEST_CASE("a run may have as many bytes as UDP; beyond what a device takes, the kernel cuts it up") {
    const NetNamespace net;
    const Inside inside(net);
    constexpr std::size_t device_takes = 65535;
    constexpr std::size_t ethernet = 14;
    for (const Side& side : sides) {
        UdpSocket from = open_socket(side.family);
        UdpSocket to = open_socket(side.family);
        const std::size_t headers = ethernet + 8 + (side.family == Family::v4 ? 20 : 40);
        const std::size_t before_last = std::size_t{45} * 1452;
        for (const std::size_t size : {device_takes - headers, device_takes - headers + 1, largest_payload}) {
            CAPTURE(size);
            const Run run(46, 1452, size - before_last);
            CHECK(send_one(from, run.to(at(side.loopback, to))).sent == 46);
            const Arrived arrived = receive_all(to, 46);
            CHECK(arrived.datagrams == run.datagrams());
            CHECK(arrived.largest == (size + headers <= device_takes ? 46 : 1));
        }
    }
}

TEST_CASE("one send takes runs and lone datagrams to several places, each in its order") {
    const Joined joined;
    for (const Side& side : sides) {
        UdpSocket near = open_socket(side.family);
        std::array<UdpSocket, 2> far{joined.far_socket(side.family), joined.far_socket(side.family)};
        std::vector<Run> runs;
        std::array<std::vector<ByteVector>, 2> expected;
        std::uint32_t number = 0;
        for (std::size_t i = 0; i < 150; ++i) { // more than one sendmmsg takes
            const std::size_t count = i % 3 == 0 ? 1 : 1 + i % 11;
            runs.emplace_back(count, 100 + i, i % 2 == 0 ? 60 : 0, number);
            number += 100;
        }
        std::vector<OutgoingDatagram> outgoing;
        std::size_t total = 0;
        for (std::size_t i = 0; i < runs.size(); ++i) {
            outgoing.push_back(runs[i].to(at(side.far, far.at(i % 2))));
            for (ByteVector& datagram : runs[i].datagrams()) expected.at(i % 2).push_back(std::move(datagram)), ++total;
        }
        CHECK(near.send(outgoing).sent == total);
        for (std::size_t i = 0; i < far.size(); ++i)
            CHECK(receive_all(far.at(i), expected.at(i).size()).datagrams == expected.at(i));
    }
}

TEST_CASE("on links without any of the offloads the same bytes arrive in the same order") {
    struct Link {
        const char* near;
        const char* far;
        bool cuts; ///< nothing comes through it as one
    };
    constexpr std::array links{Link{"tx-udp-segmentation off", "", true},
                               Link{"", "gro off", false},
                               Link{"tx-udp-segmentation off", "gro off", true},
                               Link{"tx-udp-segmentation off", "gro on", true},
                               Link{"tx off", "", true},
                               Link{"tx off", "gro off rx off", true}};
    for (const Link& link : links) {
        CAPTURE(std::string(link.near));
        CAPTURE(std::string(link.far));
        const Joined joined;
        if (*link.near != '\0') shell(std::string("ethtool -K near0 ") + link.near);
        {
            const Inside there(joined.far());
            if (*link.far != '\0') shell(std::string("ethtool -K far0 ") + link.far);
        }
        for (const Side& side : sides) {
            CAPTURE(std::string(side.far));
            UdpSocket near = open_socket(side.family);
            UdpSocket far = joined.far_socket(side.family);
            CHECK((exchange(near, far, at(side.far, far), runs_of_every_kind()) == 0) == link.cuts);
        }
    }
}

TEST_CASE("a link too narrow for a run's datagrams fragments them, and loses none") {
    const Joined joined("1280");
    for (const Side& side : sides) {
        CAPTURE(std::string(side.far));
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        exchange(near, far, at(side.far, far), runs_of_every_kind());
        // What fits still goes as one.
        CHECK(exchange(near, far, at(side.far, far), {Run(20, 1200)}) == 20);
    }
}

TEST_CASE("a path that narrows between two sends loses nothing, and other paths keep their runs") {
    const Joined joined;
    add_second_address(joined);
    for (const Side& side : sides) {
        CAPTURE(std::string(side.far));
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        const std::vector<Run> runs{Run(45, 1452), Run(45, 1452, 167)};
        CHECK(exchange(near, far, at(side.far, far), runs) == 90);
        CHECK(shell(std::string("ip route add ") + side.far + " dev near0 mtu 1280") == "");
        CHECK(exchange(near, far, at(side.far, far), runs) == 0);
        CHECK(exchange(near, far, at(side.other_far, far), runs) == 90);

        // And in one send: the narrow path's run does not take those around it along.
        const Run before(10, 1452, 0, 1000);
        const Run narrow(10, 1452, 0, 2000);
        const Run after(10, 1452, 0, 3000);
        const std::vector<OutgoingDatagram> all{before.to(at(side.other_far, far)), narrow.to(at(side.far, far)),
                                                after.to(at(side.other_far, far))};
        const SendReport report = near.send(all);
        CHECK(report.sent == 30);
        CHECK(report.dropped() == 0);
        std::vector<ByteVector> expected = before.datagrams();
        for (const Run* run : {&narrow, &after})
            for (ByteVector& datagram : run->datagrams()) expected.push_back(std::move(datagram));
        const Arrived arrived = receive_all(far, 30);
        CHECK(arrived.datagrams == expected);
        CHECK(arrived.together == 20);
    }
}

TEST_CASE("a datagram that must stay whole leaves so whatever is believed of the path, or does not leave") {
    const Joined joined;
    for (const Side& side : sides) {
        CAPTURE(std::string(side.far));
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        const Endpoint there = at(side.far, far);
        CHECK(shell(std::string("ip route add ") + side.far + " dev near0 mtu 1280") == "");
        const Run fitting(1, 1452);
        const Run larger(1, 1473);
        const OutgoingDatagram whole = fitting.to(there);
        const OutgoingDatagram too_large = larger.to(there);
        CHECK(near.send_whole({&whole, 1}).sent == 1);
        CHECK(near.send_whole({&too_large, 1}).too_big == 1);
        CHECK(receive_all(far, 1).datagrams == fitting.datagrams());
        CHECK(near.send({&too_large, 1}).sent == 1); // in pieces, as before
        CHECK(receive_all(far, 1).datagrams == larger.datagrams());
    }
}

TEST_CASE("a link that shrinks between two sends loses nothing") {
    const Joined joined;
    for (const Side& side : sides) {
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        const std::vector<Run> runs{Run(45, 1452), Run(45, 1452, 167)};
        CHECK(shell("ip link set near0 mtu 1500") == "");
        CHECK(exchange(near, far, at(side.far, far), runs) == 90);
        CHECK(shell("ip link set near0 mtu 1280") == "");
        CHECK(exchange(near, far, at(side.far, far), runs) == 0);
        CHECK(shell("ip link set near0 mtu 1500") == "");
        CHECK(exchange(near, far, at(side.far, far), runs) == 90); // it was that path's, and for as long as it was narrow
    }
}

TEST_CASE("who turns offloads off sends and receives one datagram at a time, whatever the other side does") {
    const Joined joined;
    for (const Side& side : sides) {
        CAPTURE(std::string(side.far));
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        const Endpoint there = at(side.far, far);

        near.use_offloads(false);
        CHECK(exchange(near, far, there, runs_of_every_kind()) == 0);
        // A run behind a lone datagram as well.
        const Run lone(1, 700, 0, 1);
        const Run run(20, 700, 0, 2);
        const Run last(1, 700, 0, 22);
        const std::vector<OutgoingDatagram> mixed{lone.to(there), run.to(there), last.to(there)};
        CHECK(near.send(mixed).sent == 22);
        const Arrived arrived = receive_all(far, 22);
        CHECK(arrived.datagrams == Run(22, 700, 0, 1).datagrams());
        CHECK(arrived.together == 0);

        near.use_offloads(true);
        far.use_offloads(false);
        CHECK(exchange(near, far, there, runs_of_every_kind()) == 0);

        far.use_offloads(true);
        CHECK(exchange(near, far, there, {run}) == 20);
    }
}

TEST_CASE("a mark set on a datagram, lone or in a run, is there when it arrives") {
    const Joined joined;
    for (const Side& side : sides) {
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        for (const Ecn mark : {Ecn::not_capable, Ecn::capable_1, Ecn::capable_0, Ecn::congested}) {
            CAPTURE(static_cast<int>(mark));
            const Run lone(1, 500);
            const Run run(20, 500, 100, 50);
            const std::vector<OutgoingDatagram> both{lone.to(at(side.far, far), mark), run.to(at(side.far, far), mark)};
            CHECK(near.send(both).sent == 21);
            CHECK(receive_all(far, 21).marks == std::vector(21, mark));
        }
        // Each keeps its own, one behind the other in one send; so does what goes one by one in place of a run.
        const Run run(5, 500);
        for (const bool together : {true, false}) {
            near.use_offloads(together);
            std::vector<OutgoingDatagram> all;
            std::vector<Ecn> expected;
            for (const Ecn mark : {Ecn::congested, Ecn::not_capable, Ecn::capable_0}) {
                all.push_back(run.to(at(side.far, far), mark));
                expected.insert(expected.end(), 5, mark);
            }
            CHECK(near.send(all).sent == 15);
            CHECK(receive_all(far, 15).marks == expected);
        }
    }
}

TEST_CASE("a link that takes less than it is given has its drops counted, and the rest arrives") {
    const Joined joined;
    for (const Side& side : sides) {
        CAPTURE(std::string(side.far));
        UdpSocket near = open_socket(side.family);
        UdpSocket far = joined.far_socket(side.family);
        CHECK(exchange(near, far, at(side.far, far), {Run(1, 1)}) == 0); // the neighbour is known
        CHECK(shell("tc qdisc add dev near0 root tbf rate 800kbit burst 2000 limit 4000") == "");
        std::vector<Run> runs;
        for (std::uint32_t i = 0; i < 200; ++i) runs.emplace_back(1, 1000, 0, i);
        std::vector<OutgoingDatagram> outgoing;
        for (const Run& run : runs) outgoing.push_back(run.to(at(side.far, far)));
        const SendReport report = near.send(outgoing);
        CHECK(report.no_buffers > 0);
        CHECK(report.sent + report.no_buffers == 200);
        CHECK(report.sent > 0);
        const Arrived arrived = receive_all(far, report.sent);
        CHECK(arrived.datagrams.size() == report.sent); // each that is said to be sent, none twice
        CHECK(std::is_sorted(arrived.datagrams.begin(), arrived.datagrams.end()));

        CHECK(shell("tc qdisc replace dev near0 root tbf rate 800kbit burst 2000 limit 4000") == "");
        const Run run(60, 1000);
        const std::vector<OutgoingDatagram> flood(20, run.to(at(side.far, far)));
        const SendReport flooded = near.send(flood);
        CHECK(flooded.no_buffers > 0);
        CHECK(flooded.sent + flooded.no_buffers == 1200);
        CHECK(shell("tc qdisc del dev near0 root") == "");
        receive_all(far, 1200, 200);
        CHECK(exchange(near, far, at(side.far, far), {run}) == 60); // and it goes on as before
    }
}
