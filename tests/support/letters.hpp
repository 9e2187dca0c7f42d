// Inner packets that can be recognised: each carries its number, and all its bytes follow from it.
#pragma once

#include "tests/support/inner_packet.hpp"

#include <optional>

namespace vpn::support {

/// Letter `number`, 36 to 1420 bytes long with its header.
inline ByteVector letter(const IpAddress& from, const IpAddress& to, std::uint64_t number) {
    const std::size_t header = from.is_v4() ? 20 : 40;
    const std::size_t sizes[] = {8, 9, 64, 576, 1280 - header, 1420 - header};
    ByteVector payload(number % 3 == 0 ? 8 + number * 7 % (1412 - header) : sizes[number % 6]);
    for (std::size_t i = 8; i < payload.size(); ++i) payload[i] = static_cast<std::byte>(number * 31 + i * 7);
    store_be(payload.data(), number);
    return inner_packet(from, to, payload);
}

/// The number of an intact letter.
inline std::optional<std::uint64_t> number_of(Bytes packet, const IpAddress& from, const IpAddress& to) {
    const std::size_t header = from.is_v4() ? 20 : 40;
    if (packet.size() < header + 8) return std::nullopt;
    const auto number = load_be<std::uint64_t>(packet.data() + header);
    const ByteVector original = letter(from, to, number);
    if (!std::equal(packet.begin(), packet.end(), original.begin(), original.end())) return std::nullopt;
    return number;
}

} // namespace vpn::support
