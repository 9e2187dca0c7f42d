// DATAPATH 2 and THREATS "ENOBUFS, EAGAIN, ..., EIO, short sendmmsg": what this kernel can't be made to say, said by a sendmmsg
// of the test's own that stands before it. An executable of its own, since everything in it sends this way.
#include "tests/support/seeded_random.hpp"
#include "tests/system/udp_talk.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <span>

using namespace vpn;
using namespace vpn::test;
using system::OutgoingDatagram;
using system::SendReport;
using system::UdpSocket;

namespace {

/// Stands before the kernel as long as it lives.
class Kernel {
  public:
    Kernel() { standing() = this; }
    ~Kernel() { standing() = nullptr; }
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    /// Asked for each message that it is given: an errno, or zero to take it.
    std::function<int(const msghdr&)> refusal = [](const msghdr&) { return 0; };
    unsigned at_once = 1024; ///< takes no more a call
    std::size_t calls = 0;
    std::size_t runs = 0; ///< messages with UDP_SEGMENT that it was asked about

    /// As Linux: what goes before the first refusal is taken, and the errno only told if it is the first message.
    int send(int fd, std::span<mmsghdr> messages, int flags) {
        ++calls;
        unsigned taken = 0;
        for (; taken < std::min<std::size_t>(messages.size(), at_once); ++taken) {
            const msghdr& message = messages[taken].msg_hdr;
            if (is_run(message)) ++runs;
            const int error = refusal(message);
            if (error == 0) continue;
            if (taken > 0) break;
            errno = error;
            return -1;
        }
        return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages.data(), taken, flags));
    }

    static bool has_control(const msghdr& message, int level, int type) {
        auto& writable = const_cast<msghdr&>(message); // CMSG_NXTHDR is not const-correct
        for (cmsghdr* each = CMSG_FIRSTHDR(&writable); each != nullptr; each = CMSG_NXTHDR(&writable, each))
            if (each->cmsg_level == level && each->cmsg_type == type) return true;
        return false;
    }
    static bool is_run(const msghdr& message) { return has_control(message, IPPROTO_UDP, UDP_SEGMENT); }

    static Kernel*& standing() {
        static Kernel* kernel = nullptr;
        return kernel;
    }
};

} // namespace

extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    if (Kernel* kernel = Kernel::standing()) return kernel->send(fd, {messages, count}, flags);
    return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, count, flags));
}

namespace {

/// Two sockets on a loopback, and batches from one to the other.
class Talk {
  public:
    Talk() : inside_(net_), from(open_socket(Family::v4)), to(open_socket(Family::v4)), there(at("127.0.0.1", to)) {}

    /// Sends datagrams and runs of these counts, 500 bytes each, numbered through. What is sent must arrive once and in order.
    SendReport send(const std::vector<std::size_t>& counts, const LocalSource& source = {}) {
        std::vector<Run> runs;
        for (const std::size_t count : counts) {
            runs.emplace_back(count, 500, count > 1 ? 300 : 0, next_);
            next_ += static_cast<std::uint32_t>(count);
        }
        std::vector<OutgoingDatagram> outgoing;
        std::vector<ByteVector> given;
        for (const Run& run : runs) {
            outgoing.push_back(run.to(there));
            outgoing.back().path.local = source;
            for (ByteVector& datagram : run.datagrams()) given.push_back(std::move(datagram));
        }
        const SendReport report = from.send(outgoing);
        CHECK(report.sent + report.dropped() == given.size());
        arrived = receive_all(to, report.sent).datagrams;
        CHECK(arrived.size() == report.sent);
        if (report.dropped() == 0) {
            CHECK(arrived == given);
        } else {
            CHECK(std::includes(given.begin(), given.end(), arrived.begin(), arrived.end())); // numbers make them sorted
        }
        return report;
    }

    /// Whether a run still leaves as one.
    bool keeps_runs() {
        const std::size_t before = kernel.runs;
        send({5});
        return kernel.runs > before;
    }

  private:
    NetNamespace net_;
    Inside inside_;
    std::uint32_t next_ = 0;

  public:
    Kernel kernel;
    UdpSocket from;
    UdpSocket to;
    Endpoint there;
    std::vector<ByteVector> arrived;
};

/// Lone datagrams and runs of every length in one batch, more than one call takes.
std::vector<std::size_t> mixed_batch() {
    std::vector<std::size_t> counts{1, 10, 1, 1, 64, 2, 1, 33};
    for (std::size_t i = 0; i < 80; ++i) counts.push_back(i % 5 == 0 ? 1 + i % 7 : 1);
    counts.push_back(64);
    return counts;
}

/// The first `count` messages that `matches` get this errno.
std::function<int(const msghdr&)> refuse(std::size_t count, int error, bool (*matches)(const msghdr&) = Kernel::is_run) {
    return [count, error, matches](const msghdr& message) mutable {
        if (count == 0 || !matches(message)) return 0;
        --count;
        return error;
    };
}

bool any(const msghdr&) { return true; }
bool lone(const msghdr& message) { return !Kernel::is_run(message); }
constexpr std::size_t always = SIZE_MAX;

} // namespace

TEST_CASE("a kernel or link that refuses every run has it in pieces, in place, once and in order") {
    for (const int error : {EIO, EINVAL, EMSGSIZE, EOPNOTSUPP}) {
        CAPTURE(error);
        Talk talk;
        talk.kernel.refusal = refuse(always, error);
        CHECK(talk.send(mixed_batch()).dropped() == 0);
        CHECK(talk.send(mixed_batch()).dropped() == 0);
    }
}

TEST_CASE("after EIO no run is tried again; it is the link's way of saying that it can't") {
    Talk talk;
    talk.kernel.refusal = refuse(always, EIO);
    CHECK(talk.send({1, 10, 1, 20, 64}).dropped() == 0);
    CHECK_FALSE(talk.keeps_runs());
    talk.kernel.runs = 0;
    CHECK(talk.send(mixed_batch()).dropped() == 0);
    CHECK(talk.kernel.runs == 0);

    // Until somebody says otherwise.
    talk.kernel.refusal = refuse(0, 0);
    talk.from.use_offloads(true);
    CHECK(talk.keeps_runs());
}

TEST_CASE("after EMSGSIZE runs are tried again: only that path is narrow") {
    Talk talk;
    talk.kernel.refusal = refuse(always, EMSGSIZE);
    for (int i = 0; i < 5; ++i) CHECK(talk.send(mixed_batch()).dropped() == 0);
    CHECK(talk.keeps_runs());
}

TEST_CASE("EINVAL ends runs only if it comes to many in a row: older kernels say it of one narrow path") {
    // Each run is given twice, in case the error was another datagram's.
    SUBCASE("now and then") {
        Talk talk;
        for (int i = 0; i < 50; ++i) {
            talk.kernel.refusal = refuse(2, EINVAL);
            CHECK(talk.send({1, 10, 1, 20}).dropped() == 0);
        }
        CHECK(talk.keeps_runs());
    }
    SUBCASE("always") {
        Talk talk;
        talk.kernel.refusal = refuse(always, EINVAL);
        for (int i = 0; i < 50; ++i) CHECK(talk.send({1, 10, 1, 20}).dropped() == 0);
        CHECK_FALSE(talk.keeps_runs());
    }
}

TEST_CASE("what is refused in pieces too says nothing of runs") {
    Talk talk;
    for (const int error : {EIO, EINVAL}) {
        for (int i = 0; i < 50; ++i) {
            talk.kernel.refusal = refuse(always, error, any);
            const SendReport report = talk.send({10});
            CHECK(report.other == 10);
        }
        talk.kernel.refusal = refuse(0, 0);
        CHECK(talk.keeps_runs());
    }
}

TEST_CASE("a refusal in the middle of a batch leaves what went before it sent, once") {
    for (const int error : {EIO, EINVAL, EMSGSIZE}) {
        for (std::size_t taken = 0; taken < 6; ++taken) {
            CAPTURE(taken);
            Talk talk;
            std::size_t seen = 0;
            talk.kernel.refusal = [&seen, taken, error](const msghdr& message) {
                return Kernel::is_run(message) && ++seen > taken ? error : 0;
            };
            CHECK(talk.send({1, 10, 10, 1, 10, 64, 1, 1, 64, 10, 1}).dropped() == 0);
        }
    }
}

TEST_CASE("an error that passes is not the run's: it goes as one after all") {
    for (const int error : {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EIO, EINVAL, EINTR}) {
        CAPTURE(error);
        Talk talk;
        talk.kernel.refusal = refuse(1, error);
        CHECK(talk.send({1, 30, 1}).dropped() == 0);
        CHECK(talk.kernel.runs == 2); // the refused one, and the same again
        CHECK(talk.keeps_runs());
    }
}

TEST_CASE("a kernel that takes fewer than it is given gets the rest, in order") {
    for (const unsigned at_once : {1U, 2U, 3U, 7U, 63U}) {
        CAPTURE(at_once);
        Talk talk;
        talk.kernel.at_once = at_once;
        CHECK(talk.send(mixed_batch()).dropped() == 0);
        talk.kernel.refusal = refuse(always, EIO);
        CHECK(talk.send(mixed_batch()).dropped() == 0);
    }
}

TEST_CASE("ENOBUFS is tried a few times, then that datagram is dropped and counted, and the rest goes") {
    for (std::size_t times = 1; times <= 3; ++times) {
        Talk talk;
        talk.kernel.refusal = refuse(times, ENOBUFS, any);
        CHECK(talk.send({1, 10, 1}).dropped() == 0);
        talk.kernel.refusal = refuse(times, ENOBUFS);
        CHECK(talk.send({1, 10, 1}).dropped() == 0);
        CHECK(talk.keeps_runs());
    }
    SUBCASE("a lone one") {
        Talk talk;
        talk.kernel.refusal = refuse(4, ENOBUFS, lone);
        const SendReport report = talk.send({1, 10, 1});
        CHECK(report.no_buffers == 1);
        CHECK(report.sent == 11);
    }
    SUBCASE("a run") {
        Talk talk;
        talk.kernel.refusal = refuse(5, ENOBUFS); // the first is not told, since something before it was taken
        const SendReport report = talk.send({1, 10, 1, 20});
        CHECK(report.no_buffers == 10);
        CHECK(report.sent == 22);
        CHECK(talk.keeps_runs());
    }
    SUBCASE("one of a run's, while it goes in pieces") {
        Talk talk;
        talk.kernel.refusal = refuse(always, EIO);
        talk.send({2});
        std::size_t seen = 0;
        talk.kernel.refusal = [&seen](const msghdr&) { return ++seen > 7 && seen <= 12 ? ENOBUFS : 0; };
        const SendReport report = talk.send({1, 10, 1});
        CHECK(report.no_buffers == 1);
        CHECK(report.sent == 11);
    }
    SUBCASE("all of them, for ever") {
        Talk talk;
        talk.kernel.refusal = refuse(always, ENOBUFS, any);
        CHECK(talk.send(mixed_batch()).sent == 0);
        CHECK(talk.kernel.calls <= 4 * mixed_batch().size());
    }
}

TEST_CASE("a socket without room is waited for once a send, whether a run goes as one or in pieces") {
    for (const bool together : {true, false}) {
        CAPTURE(together);
        Talk talk;
        talk.from.use_offloads(together);
        talk.kernel.refusal = refuse(1, EAGAIN, any);
        CHECK(talk.send(mixed_batch()).dropped() == 0);

        std::size_t seen = 0;
        talk.kernel.refusal = [&seen](const msghdr&) { return ++seen > 20 ? EAGAIN : 0; };
        talk.kernel.calls = 0;
        const SendReport report = talk.send(std::vector<std::size_t>(30, 10));
        CHECK(report.sent == (together ? 200 : 20));
        CHECK(report.would_block == 300 - report.sent);
        CHECK(talk.kernel.calls <= 4); // what it takes, in one call or by the run; then two that find no room
    }
}

TEST_CASE("a source that is no longer ours is dropped from a run, which goes as one all the same") {
    const auto with_source = [](const msghdr& message) { return Kernel::has_control(message, IPPROTO_IP, IP_PKTINFO); };
    Talk talk;
    talk.kernel.refusal = refuse(always, EINVAL, with_source);
    const LocalSource loopback{address("127.0.0.1"), 0};
    const SendReport report = talk.send({20, 1}, loopback);
    CHECK(report.dropped() == 0);
    CHECK(report.stale_source == 2);
    CHECK(talk.keeps_runs());

    // Neither with a source nor without: then it is the run, and its pieces keep the source.
    talk.kernel.refusal = refuse(always, EIO);
    const SendReport pieces = talk.send({20, 1}, loopback);
    CHECK(pieces.dropped() == 0);
    CHECK(pieces.stale_source == 0);
    CHECK_FALSE(talk.keeps_runs());
}

TEST_CASE("a run of more than 64 is sent in pieces as well") {
    for (const int error : {EIO, EMSGSIZE}) {
        Talk talk;
        talk.kernel.refusal = refuse(always, error);
        CHECK(talk.send({1, 100, 1, 128, 1}).dropped() == 0);
        talk.kernel.at_once = 5;
        CHECK(talk.send({1, 130, 1}).dropped() == 0);
    }
}

TEST_CASE("whatever a kernel refuses, and whenever, every datagram is sent once and in order or counted") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        support::SeededRandom random(seed);
        Talk talk;
        const unsigned often = static_cast<unsigned>(random.below(60));
        constexpr std::array errors{EIO,   EINVAL,       EMSGSIZE,     ENOBUFS,     ENOMEM, EINTR,
                                    EPERM, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EINVAL, EMSGSIZE};
        const int error = errors.at(random.below(errors.size()));
        const bool one_kind = random.chance(50);
        talk.kernel.refusal = [&](const msghdr& message) {
            if (!random.chance(Kernel::is_run(message) ? often : often / 3)) return 0;
            return one_kind ? error : errors.at(random.below(errors.size()));
        };
        talk.kernel.at_once = 1 + static_cast<unsigned>(random.below(80));
        for (int batch = 0; batch < 4; ++batch) {
            std::vector<std::size_t> counts;
            for (std::uint64_t i = 1 + random.below(100); i > 0; --i)
                counts.push_back(random.chance(50) ? 1 : 1 + random.below(64));
            talk.send(counts, random.chance(50) ? LocalSource{address("127.0.0.1"), 0} : LocalSource{});
        }
    }
}
