// PROTOCOL 3, cryptokey routing: every prefix belongs to one peer, and the longest that holds an address decides. Held against a
// walk over all prefixes.
#include "common/protocol/allowed_ips.hpp"

#include "tests/support/seeded_random.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using vpn::support::SeededRandom;

namespace {

constexpr PeerId nobody{0};

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
Prefix prefix(std::string_view text) { return *Prefix::parse(text); }

RouteTable<PeerId> table_of(const AllowedIps& owners) {
    return RouteTable<PeerId>(owners, [](PeerId peer) { return peer; });
}

/// The rule, without any cleverness: prefixes as bits, compared one by one.
class PlainRoutes {
  public:
    void assign(const Prefix& added, PeerId peer) {
        for (Entry& entry : entries_) {
            if (entry.prefix.bits() == added.bits() && same_bits(entry.prefix.address(), added.address(), added.bits())) {
                entry.peer = peer;
                return;
            }
        }
        entries_.push_back({added, peer});
    }
    PeerId find(const IpAddress& address) const {
        const Entry* best = nullptr;
        for (const Entry& entry : entries_)
            if (same_bits(entry.prefix.address(), address, entry.prefix.bits()) &&
                (!best || entry.prefix.bits() >= best->prefix.bits()))
                best = &entry;
        return best ? best->peer : nobody;
    }

  private:
    struct Entry {
        Prefix prefix;
        PeerId peer;
    };
    static bool same_bits(const IpAddress& a, const IpAddress& b, unsigned bits) {
        if (a.family() != b.family()) return false;
        for (unsigned i = 0; i < bits; ++i) {
            const auto shift = 7 - i % 8;
            if (((a.bytes()[i / 8] ^ b.bytes()[i / 8]) >> shift & std::byte{1}) != std::byte{0}) return false;
        }
        return true;
    }
    std::vector<Entry> entries_;
};

/// An address whose first bytes are few, so that prefixes overlap and nest.
IpAddress crowded_address(SeededRandom& random, bool v4) {
    ByteVector bytes = random.bytes(16);
    const std::size_t common = random.below(v4 ? 4 : 16);
    for (std::size_t i = 0; i < common; ++i) bytes[i] = static_cast<std::byte>(random.below(3));
    if (v4) return IpAddress::v4(std::span<const std::byte, 4>(bytes.data(), 4));
    return IpAddress::v6(std::span<const std::byte, 16>(bytes.data(), 16));
}

} // namespace

TEST_CASE("the longest prefix decides, whoever has the shorter ones") {
    AllowedIps owners;
    owners.assign(prefix("0.0.0.0/0"), PeerId{1});
    owners.assign(prefix("10.0.0.0/8"), PeerId{2});
    owners.assign(prefix("10.66.0.0/16"), PeerId{1});
    owners.assign(prefix("10.66.0.2/32"), PeerId{3});
    owners.assign(prefix("::/0"), PeerId{4});
    owners.assign(prefix("fd66::2/128"), PeerId{5});
    const auto table = table_of(owners);
    CHECK(table.find(ip("192.0.2.1")) == PeerId{1});
    CHECK(table.find(ip("10.1.2.3")) == PeerId{2});
    CHECK(table.find(ip("10.66.3.3")) == PeerId{1});
    CHECK(table.find(ip("10.66.0.2")) == PeerId{3});
    CHECK(table.find(ip("10.66.0.3")) == PeerId{1});
    CHECK(table.find(ip("2001:db8::1")) == PeerId{4});
    CHECK(table.find(ip("fd66::2")) == PeerId{5});
    CHECK(table.find(ip("fd66::3")) == PeerId{4});
}

TEST_CASE("an address that no prefix holds belongs to nobody") {
    AllowedIps owners;
    CHECK(table_of(owners).find(ip("10.0.0.1")) == nobody);
    CHECK(table_of(owners).find(ip("fd66::1")) == nobody);
    owners.assign(prefix("10.0.0.0/24"), PeerId{1});
    CHECK(table_of(owners).find(ip("10.0.1.1")) == nobody);
    CHECK(table_of(owners).find(ip("::")) == nobody);
    CHECK(RouteTable<PeerId>().find(ip("10.0.0.1")) == nobody);
}

TEST_CASE("a default route of one family takes nothing of the other") {
    AllowedIps owners;
    owners.assign(prefix("::/0"), PeerId{6});
    CHECK(table_of(owners).find(ip("0.0.0.0")) == nobody);
    owners.assign(prefix("0.0.0.0/0"), PeerId{4});
    CHECK(table_of(owners).find(ip("0.0.0.0")) == PeerId{4});
    CHECK(table_of(owners).find(ip("255.255.255.255")) == PeerId{4});
    CHECK(table_of(owners).find(ip("::")) == PeerId{6});
    CHECK(table_of(owners).find(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")) == PeerId{6});
    CHECK(table_of(owners).find(ip("::ffff:10.0.0.1")) == PeerId{6}); // mapped: it is an IPv6 address all the same
}

TEST_CASE("giving a prefix to another peer takes it from the first") {
    AllowedIps owners;
    owners.assign(prefix("10.0.0.0/24"), PeerId{1});
    owners.assign(prefix("10.0.0.0/24"), PeerId{2});
    CHECK(table_of(owners).find(ip("10.0.0.9")) == PeerId{2});
    CHECK(owners.of(PeerId{1}).empty());
    CHECK(owners.of(PeerId{2}) == std::vector{prefix("10.0.0.0/24")});
    CHECK(owners.entries().size() == 1);
}

TEST_CASE("host bits in a prefix don't count: it is the same prefix with and without them") {
    AllowedIps owners;
    owners.assign(prefix("10.0.0.77/24"), PeerId{1});
    owners.assign(prefix("10.0.0.1/24"), PeerId{2});
    CHECK(owners.entries().size() == 1);
    CHECK(table_of(owners).find(ip("10.0.0.9")) == PeerId{2});
    owners.remove(prefix("10.0.0.200/24"), PeerId{2});
    CHECK(owners.entries().empty());
}

TEST_CASE("a prefix is taken away only from the peer that has it") {
    AllowedIps owners;
    owners.assign(prefix("10.0.0.0/24"), PeerId{1});
    owners.remove(prefix("10.0.0.0/24"), PeerId{2});
    CHECK(table_of(owners).find(ip("10.0.0.9")) == PeerId{1});
    owners.remove(prefix("10.0.0.0/25"), PeerId{1});
    CHECK(table_of(owners).find(ip("10.0.0.9")) == PeerId{1});
    owners.remove(prefix("10.0.0.0/24"), PeerId{1});
    CHECK(table_of(owners).find(ip("10.0.0.9")) == nobody);
}

TEST_CASE("a peer that goes takes all its prefixes along, and nobody else's") {
    AllowedIps owners;
    owners.assign(prefix("10.0.0.0/24"), PeerId{1});
    owners.assign(prefix("10.0.1.0/24"), PeerId{2});
    owners.assign(prefix("fd66::/64"), PeerId{1});
    owners.remove_all(PeerId{1});
    CHECK(owners.entries().size() == 1);
    CHECK(table_of(owners).find(ip("10.0.0.9")) == nobody);
    CHECK(table_of(owners).find(ip("10.0.1.9")) == PeerId{2});
}

TEST_CASE("who has what and what belongs to whom agree, whatever was given and taken") {
    SeededRandom random(23);
    AllowedIps owners;
    for (int i = 0; i < 5000; ++i) {
        const Prefix some(crowded_address(random, true).masked(16), static_cast<unsigned>(8 + random.below(9)));
        const PeerId peer{1 + static_cast<std::uint32_t>(random.below(6))};
        switch (random.below(10)) {
        case 0: owners.remove_all(peer); break;
        case 1:
        case 2: owners.remove(some, peer); break;
        default: owners.assign(some, peer); break;
        }
        if (i % 50 != 0) continue;
        std::size_t count = 0;
        for (std::uint32_t id = 1; id <= 6; ++id) {
            for (const Prefix& each : owners.of(PeerId{id})) CHECK(owners.entries().at(each) == PeerId{id});
            count += owners.of(PeerId{id}).size();
        }
        CHECK(count == owners.entries().size());
    }
}

TEST_CASE("a table is what the prefixes were when it was made") {
    AllowedIps owners;
    owners.assign(prefix("10.0.0.0/24"), PeerId{1});
    const auto table = table_of(owners);
    owners.remove_all(PeerId{1});
    CHECK(table.find(ip("10.0.0.9")) == PeerId{1});
}

TEST_CASE("the table's maker says what stands behind a peer") {
    AllowedIps owners;
    owners.assign(prefix("10.0.0.0/24"), PeerId{1});
    const int value = 42;
    const RouteTable<const int*> table(owners, [&](PeerId) { return &value; });
    CHECK(table.find(ip("10.0.0.1")) == &value);
    CHECK(table.find(ip("10.0.1.1")) == nullptr);
}

TEST_CASE("10,000 random prefixes of both families are searched as by the plain rule, and go on so when some change hands") {
    SeededRandom random(17);
    AllowedIps owners;
    PlainRoutes plain;
    std::vector<Prefix> prefixes;
    const auto check = [&](int times) {
        const auto table = table_of(owners);
        for (int i = 0; i < times; ++i) {
            const IpAddress address = crowded_address(random, random.chance(50));
            if (table.find(address) != plain.find(address)) FAIL(address.to_string());
        }
        for (int i = 0; i < times; ++i) { // and addresses that are surely inside something
            const IpAddress address = prefixes[random.below(prefixes.size())].address();
            if (table.find(address) != plain.find(address)) FAIL(address.to_string());
        }
    };
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        const bool v4 = random.chance(50);
        const IpAddress address = crowded_address(random, v4);
        prefixes.emplace_back(address, static_cast<unsigned>(random.below(address.width() + 1)));
        const PeerId peer{1 + static_cast<std::uint32_t>(random.below(500))};
        owners.assign(prefixes.back(), peer);
        plain.assign(prefixes.back(), peer);
    }
    check(400);
    for (int i = 0; i < 1000; ++i) {
        const Prefix& moved = prefixes[random.below(prefixes.size())];
        const PeerId peer{1000 + static_cast<std::uint32_t>(random.below(5))};
        owners.assign(moved, peer);
        plain.assign(moved, peer);
    }
    check(400);
}

TEST_CASE("every prefix length of both families is searched at its edges") {
    for (const bool v4 : {true, false}) {
        const IpAddress base = v4 ? ip("170.170.170.170") : ip("aaaa:5555:aaaa:5555:aaaa:5555:aaaa:5555");
        for (unsigned bits = 0; bits <= base.width(); ++bits) {
            AllowedIps owners;
            owners.assign(Prefix(base, bits), PeerId{1});
            const auto table = table_of(owners);
            for (unsigned flipped = 0; flipped < base.width(); ++flipped) {
                ByteVector bytes(base.bytes().begin(), base.bytes().end());
                bytes[flipped / 8] ^= static_cast<std::byte>(0x80U >> flipped % 8);
                const IpAddress address = v4 ? IpAddress::v4(std::span<const std::byte, 4>(bytes.data(), 4))
                                             : IpAddress::v6(std::span<const std::byte, 16>(bytes.data(), 16));
                if ((table.find(address) == PeerId{1}) != (flipped >= bits)) FAIL("/", bits, ", bit ", flipped);
            }
        }
    }
}
