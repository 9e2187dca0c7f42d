// PROTOCOL 2: the greatest timestamps outlive a restart. THREATS: "disk full", "hostile files".
#include "tests/support/seeded_random.hpp"
#include "tests/system/scratch.hpp"
#include "tun/timestamp_store.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

using namespace vpn;
using namespace vpn::tun;
using protocol::Timestamps;
using test::Scratch;

namespace {

std::vector<Timestamps> some(std::size_t count) {
    support::SeededRandom random(1);
    std::vector<Timestamps> all(count);
    for (Timestamps& each : all) {
        random.fill(each.peer.bytes);
        random.fill(each.sent.bytes);
        random.fill(each.received.bytes);
    }
    return all;
}

bool same(const Timestamps& a, const Timestamps& b) { return a.peer == b.peer && a.sent == b.sent && a.received == b.received; }

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("what was saved is loaded, peer by peer") {
    const Scratch scratch;
    const TimestampStore store(scratch.file("stamps"));
    for (const std::size_t count : {0UL, 1UL, 1000UL}) {
        const std::vector<Timestamps> saved = some(count);
        REQUIRE(store.save(saved));
        const auto loaded = store.load();
        REQUIRE(loaded);
        REQUIRE(loaded->size() == count);
        CHECK(std::equal(saved.begin(), saved.end(), loaded->begin(), same));
    }
}

TEST_CASE("before the first start there is nothing, and that is no error") {
    const Scratch scratch;
    const auto loaded = TimestampStore(scratch.file("stamps")).load();
    REQUIRE(loaded);
    CHECK(loaded->empty());
}

TEST_CASE("the file is its owner's alone") {
    const Scratch scratch;
    const TimestampStore store(scratch.file("stamps"));
    REQUIRE(store.save(some(3)));
    struct stat status {};
    REQUIRE(::stat(scratch.file("stamps").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600);
    REQUIRE(::chmod(scratch.file("stamps").c_str(), 0666) == 0);
    CHECK_FALSE(store.load());
}

TEST_CASE("a file that is cut short, changed or not ours is refused, naming it") {
    const Scratch scratch;
    const std::string path = scratch.file("stamps");
    const TimestampStore store(path);
    REQUIRE(store.save(some(2)));
    const std::string good = text_of(path);
    std::vector<std::string> bad{"", "nonsense\n", good.substr(1), good + "x", good + '\n', '\n' + good};
    for (std::size_t length = 0; length < good.size(); ++length)
        if (length != good.find('\n') + 1 && (length - good.find('\n') - 1) % 95 != 0) bad.push_back(good.substr(0, length));
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string other = good;
        other[at] = '!';
        bad.push_back(other);
    }
    for (const std::string& text : bad) {
        std::ofstream(path, std::ios::trunc) << text;
        const auto loaded = store.load();
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().message.find(path) != std::string::npos);
    }
}

TEST_CASE("what can't be saved leaves the old file as it was") {
    const Scratch scratch;
    const std::string path = scratch.file("stamps");
    REQUIRE(TimestampStore(path).save(some(2)));
    CHECK_FALSE(TimestampStore(scratch.file("missing/stamps")).save(some(2)));
    CHECK_FALSE(TimestampStore(scratch.path()).save(some(2)));
    CHECK(TimestampStore(path).load().value().size() == 2);
}
