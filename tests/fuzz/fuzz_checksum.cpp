// Any bytes at any alignment: summed as word after word is, whole and in two parts. And made into a packet: its checksums are
// right exactly if they are what a sender would have written.
#include "tests/fuzz/dice.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/tun/offload/packet.hpp"
#include "tun/offload/checksum.hpp"
#include "tun/offload/layout.hpp"

namespace {

using namespace vpn;
using offload::Layout;

constexpr std::size_t choices = 8; ///< bytes in front that choose
constexpr std::size_t room_for_headers = 100;

/// As it would stand in a header.
std::uint16_t as_stored(std::uint64_t sum) {
    ByteArray<2> field{};
    offload::store_sum(field.data(), offload::fold(sum));
    return load_be<std::uint16_t>(field.data());
}

/// `bytes` somewhere else, with nothing behind it.
class Moved {
  public:
    Moved(Bytes bytes, std::size_t by) : storage_(by), by_(by) { storage_.insert(storage_.end(), bytes.begin(), bytes.end()); }
    [[nodiscard]] MutableBytes bytes() { return MutableBytes(storage_).subspan(by_); }

  private:
    ByteVector storage_;
    std::size_t by_;
};

std::uint16_t complement(std::uint16_t sum) { return static_cast<std::uint16_t>(0xffffU - sum); }

/// Byte by byte, with the field itself as zero.
std::uint16_t header_checksum_of_a_sender(const Layout& layout, Bytes packet) {
    ByteVector header(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(layout.l4));
    store_be(header.data() + 10, std::uint16_t{0});
    return complement(test::plain_sum(header));
}

std::uint16_t checksum_of_a_sender(const Layout& layout, Bytes packet) {
    const Bytes addresses = layout.v6 ? packet.subspan(8, 32) : packet.subspan(12, 8);
    ByteVector summed(addresses.begin(), addresses.end());
    for (const std::size_t number : {std::size_t{layout.protocol}, packet.size() - layout.l4}) {
        summed.push_back(static_cast<std::byte>(number >> 8U));
        summed.push_back(static_cast<std::byte>(number & 0xffU));
    }
    const std::size_t field = summed.size() + layout.checksum_at() - layout.l4;
    summed.insert(summed.end(), packet.begin() + static_cast<std::ptrdiff_t>(layout.l4), packet.end());
    store_be(summed.data() + field, std::uint16_t{0});
    const std::uint16_t written = complement(test::plain_sum(summed));
    return written == 0 && !layout.tcp() ? std::uint16_t{0xffff} : written; // RFC 768: zero means none
}

bool is_a_senders(const Layout& layout, Bytes packet) {
    const auto at = [&](std::size_t field) { return load_be<std::uint16_t>(packet.data() + field); };
    return (layout.v6 || at(10) == header_checksum_of_a_sender(layout, packet)) &&
           at(layout.checksum_at()) == checksum_of_a_sender(layout, packet);
}

/// Writes what makes a packet of any bytes: version, lengths, protocol, no fragment. Requires: room_for_headers.
void make_packet(MutableBytes bytes, bool v6, bool tcp) {
    const auto protocol = static_cast<std::byte>(tcp ? 6 : 17);
    std::size_t l4 = 40;
    if (v6) {
        bytes[0] = std::byte{0x60};
        bytes[6] = protocol;
        store_be(bytes.data() + 4, static_cast<std::uint16_t>(bytes.size() - l4));
    } else {
        l4 = std::max<std::size_t>(5, std::to_integer<std::size_t>(bytes[0]) & 15U) * 4; // with options too
        bytes[0] = static_cast<std::byte>(0x40U | l4 / 4);
        bytes[9] = protocol;
        store_be(bytes.data() + 2, static_cast<std::uint16_t>(bytes.size()));
        store_be(bytes.data() + 6, std::uint16_t{0});
    }
    if (tcp)
        bytes[l4 + 12] = std::byte{0x50};
    else
        store_be(bytes.data() + l4 + 4, static_cast<std::uint16_t>(bytes.size() - l4));
}

void check_sums(Bytes bytes, std::size_t cut) {
    const std::uint16_t plain = test::plain_sum(bytes);
    fuzz::demand(as_stored(offload::sum_words(bytes)) == plain);
    fuzz::demand(as_stored(offload::sum_words(bytes.subspan(cut), offload::sum_words(bytes.first(cut)))) == plain);
}

void check_verdict(MutableBytes packet, fuzz::Dice& dice) {
    const auto layout = offload::layout_of(packet);
    fuzz::demand(layout.has_value());
    fuzz::demand(offload::checksums_are_right(*layout, packet) == is_a_senders(*layout, packet));
    if (!layout->v6) store_be(packet.data() + 10, header_checksum_of_a_sender(*layout, packet));
    store_be(packet.data() + layout->checksum_at(), checksum_of_a_sender(*layout, packet));
    fuzz::demand(offload::checksums_are_right(*layout, packet));
    // One's complement has two zeros, and whoever writes the other one is no sender.
    const auto spoilt = static_cast<std::uint16_t>(dice.below(2) == 0 ? 0 : 0xffff);
    store_be(packet.data() + layout->checksum_at(), spoilt);
    fuzz::demand(offload::checksums_are_right(*layout, packet) == is_a_senders(*layout, packet));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < choices) return 0;
    const Bytes bytes = std::as_bytes(std::span(data, size));
    fuzz::Dice dice(bytes.first(choices));
    Moved moved(bytes.subspan(choices), dice.below(64));
    check_sums(moved.bytes(), 2 * dice.below(moved.bytes().size() / 2 + 1));
    if (moved.bytes().size() < room_for_headers) return 0;
    const bool v6 = dice.below(2) != 0;
    const bool tcp = dice.below(2) != 0;
    make_packet(moved.bytes(), v6, tcp);
    check_verdict(moved.bytes(), dice);
    return 0;
}
