// Any datagram, and any packet from inside: decode, parse_ip_packet and make_unreachable.
#include "common/protocol/ip_packet.hpp"
#include "common/protocol/message.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/suites.hpp"

namespace {

using namespace vpn;
using namespace vpn::protocol;

/// One behind the other, with nothing between.
bool follows(Bytes part, Bytes before) { return part.data() == before.data() + before.size(); }

bool lies_within(Bytes part, Bytes whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

template <class Byte> void check_macs(const MacFields<Byte>& macs, Bytes whole) {
    fuzz::demand(macs.mac1().size() == 16 && macs.mac2().size() == 16);
    fuzz::demand(macs.before_mac1().size() + 32 == whole.size() && macs.before_mac2().size() + 16 == whole.size());
    fuzz::demand(lies_within(macs.mac1(), whole) && lies_within(macs.mac2(), whole));
}

void check(const InitiationView& view, Bytes whole, std::uint32_t type) {
    const support::SuiteNumbers numbers = support::numbers_of(view.suite);
    fuzz::demand(whole.size() == numbers.initiation && type == numbers.initiation_type);
    fuzz::demand(view.ephemeral().size() == 32 && view.ephemeral().data() == whole.data() + 8);
    fuzz::demand(follows(view.sealed_kem_key(), view.ephemeral()) && follows(view.sealed_static(), view.sealed_kem_key()));
    fuzz::demand(follows(view.sealed_timestamp(), view.sealed_static()) && follows(view.macs().mac1(), view.sealed_timestamp()));
    check_macs(view.macs(), whole);
}
void check(const ResponseView& view, Bytes whole, std::uint32_t type) {
    const support::SuiteNumbers numbers = support::numbers_of(view.suite);
    fuzz::demand(whole.size() == numbers.response && type == numbers.response_type);
    fuzz::demand(view.ephemeral().size() == 32 && view.ephemeral().data() == whole.data() + 12);
    fuzz::demand(follows(view.sealed_kem_ciphertext(), view.ephemeral()));
    fuzz::demand(follows(view.sealed_empty(), view.sealed_kem_ciphertext()) && view.sealed_empty().size() == numbers.tag);
    fuzz::demand(follows(view.macs().mac1(), view.sealed_empty()));
    check_macs(view.macs(), whole);
}
void check(const CookieReplyView& view, Bytes whole, std::uint32_t type) {
    fuzz::demand(type == 3 && whole.size() == 64 && lies_within(view.nonce(), whole) && lies_within(view.sealed_cookie(), whole));
}
void check(const DataView& view, Bytes whole, std::uint32_t type) {
    fuzz::demand(type == 4 && whole.size() >= 32 && view.sealed().size() + 16 == whole.size() &&
                 lies_within(view.sealed(), whole));
}

void check_datagram(Bytes datagram) {
    const auto message = decode(datagram);
    if (!message) return fuzz::demand(message.error() == Drop::malformed);
    const auto type = load_le<std::uint32_t>(datagram.data());
    std::visit([&](const auto& view) { check(view, datagram, type); }, *message);
}

/// An error is a packet to the sender, of a bounded size, that is itself answered by nothing.
void check_unreachable(const IpPacket& packet, Unreachable why) {
    const bool v4 = packet.source.is_v4();
    const IpAddress from = *IpAddress::parse(v4 ? "10.66.0.1" : "fd66::1");
    const ByteVector answer = make_unreachable(packet, from, why);
    if (answer.empty()) return;
    fuzz::demand(answer.size() <= (v4 ? 576U : 1280U));
    const auto parsed = parse_ip_packet(answer);
    fuzz::demand(parsed.has_value() && parsed->bytes.size() == answer.size());
    fuzz::demand(parsed->source == from && parsed->destination == packet.source);
    fuzz::demand(make_unreachable(*parsed, packet.source, why).empty());
}

void check_packet(Bytes bytes) {
    const auto packet = parse_ip_packet(bytes);
    if (!packet) return;
    fuzz::demand(packet->bytes.data() == bytes.data() && packet->bytes.size() <= bytes.size());
    fuzz::demand(packet->bytes.size() >= (packet->source.is_v4() ? 20U : 40U));
    fuzz::demand(packet->source.family() == packet->destination.family());
    const auto again = parse_ip_packet(packet->bytes);
    fuzz::demand(again.has_value() && again->bytes.size() == packet->bytes.size());
    const std::size_t padded = padded_size(packet->bytes.size(), 1420);
    fuzz::demand(padded >= packet->bytes.size() && padded < packet->bytes.size() + 16);
    check_unreachable(*packet, Unreachable::no_route);
    check_unreachable(*packet, Unreachable::host);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes = std::as_bytes(std::span(data, size));
    check_datagram(bytes);
    check_packet(bytes);
    return 0;
}
