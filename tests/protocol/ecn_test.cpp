// RFC 6040, figure 4, cell by cell, in both families.
#include "common/protocol/ecn.hpp"

#include "tests/support/inner_packet.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>

using namespace vpn;

namespace {

constexpr auto no = Ecn::not_capable;
constexpr auto zero = Ecn::capable_0;
constexpr auto one = Ecn::capable_1;
constexpr auto ce = Ecn::congested;
constexpr std::array<Ecn, 4> all{no, zero, one, ce};

/// A packet whose traffic class is `dscp` and `ecn`.
ByteVector marked(bool v6, unsigned dscp, Ecn ecn) {
    const ByteVector payload(8, std::byte{0x5a});
    ByteVector packet = v6 ? support::inner_packet(support::ip("fd00::1"), support::ip("fd00::2"), payload)
                           : support::inner_packet(support::ip("10.0.0.1"), support::ip("10.0.0.2"), payload);
    const unsigned traffic_class = dscp << 2U | static_cast<unsigned>(ecn);
    if (v6) {
        packet[0] = static_cast<std::byte>(0x60U | traffic_class >> 4U);
        packet[1] = static_cast<std::byte>((traffic_class & 15U) << 4U | 0x9U); // and some of a flow label
    } else {
        packet[1] = static_cast<std::byte>(traffic_class);
        store_be(packet.data() + 10, std::uint16_t{0});
        store_be(packet.data() + 10, static_cast<std::uint16_t>(65535U - support::sum_modulo_65535({Bytes(packet).first(20)})));
    }
    return packet;
}

struct Row {
    Ecn inner;
    std::array<std::optional<Ecn>, 4> out; ///< under an outer Not-ECT, ECT(0), ECT(1), CE
};

} // namespace

TEST_CASE("the mark of an inner packet is found behind any DSCP") {
    for (const bool v6 : {false, true})
        for (unsigned dscp = 0; dscp < 64; ++dscp)
            for (const Ecn ecn : all) CHECK(protocol::ecn_of(marked(v6, dscp, ecn)) == ecn);
}

TEST_CASE("inner and outer marks combine as the table says, and nothing else of the packet changes") {
    const std::array<Row, 4> table{
        {{no, {no, no, no, std::nullopt}}, {zero, {zero, zero, one, ce}}, {one, {one, one, one, ce}}, {ce, {ce, ce, ce, ce}}}};
    for (const bool v6 : {false, true})
        for (unsigned dscp = 0; dscp < 64; ++dscp)
            for (const Row& row : table)
                for (std::size_t outer = 0; outer < all.size(); ++outer) {
                    ByteVector packet = marked(v6, dscp, row.inner);
                    const bool kept = protocol::combine_ecn(packet, all.at(outer));
                    const auto expected = row.out.at(outer);
                    REQUIRE(kept == expected.has_value());
                    if (kept) CHECK(packet == marked(v6, dscp, *expected)); // its checksum made anew
                }
}
