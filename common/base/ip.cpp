#include "common/base/ip.hpp"

namespace vpn {
namespace {

std::optional<ByteArray<4>> parse_v4(std::string_view text) {
    ByteArray<4> bytes{};
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const auto number = parse_decimal(text.substr(0, dot), 255);
        if (!number) return std::nullopt;
        bytes[i] = static_cast<std::byte>(*number);
        text.remove_prefix(i < 3 ? dot + 1 : dot);
    }
    return bytes;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    unsigned value = 0;
    for (const char c : text) {
        unsigned digit = 16;
        if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
        if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
        if (digit == 16) return std::nullopt;
        value = value << 4U | digit;
    }
    return static_cast<std::uint16_t>(value);
}

/// The groups between colons, a dotted quad allowed at the very end. Up to eight 16-bit words go to `out`.
std::optional<std::size_t> parse_groups(std::string_view text, bool quad_allowed, std::span<std::uint16_t, 8> out) {
    std::size_t count = 0;
    if (text.empty()) return 0;
    for (;;) {
        const std::size_t colon = text.find(':');
        const std::string_view part = text.substr(0, colon);
        if (colon == std::string_view::npos && quad_allowed && part.find('.') != std::string_view::npos) {
            const auto quad = parse_v4(part);
            if (!quad || count > 6) return std::nullopt;
            out[count] = load_be<std::uint16_t>(quad->data());
            out[count + 1] = load_be<std::uint16_t>(quad->data() + 2);
            return count + 2;
        }
        const auto group = parse_group(part);
        if (!group || count == 8) return std::nullopt;
        out[count++] = *group;
        if (colon == std::string_view::npos) return count;
        text.remove_prefix(colon + 1);
    }
}

std::optional<ByteArray<16>> parse_v6(std::string_view text) {
    std::array<std::uint16_t, 8> head{};
    std::array<std::uint16_t, 8> tail{};
    const std::size_t gap = text.find("::");
    std::optional<std::size_t> heads;
    std::optional<std::size_t> tails = 0;
    if (gap == std::string_view::npos) {
        heads = parse_groups(text, true, head);
        if (!heads || *heads != 8) return std::nullopt;
    } else {
        heads = parse_groups(text.substr(0, gap), false, head);
        tails = parse_groups(text.substr(gap + 2), true, tail);
        if (!heads || !tails || *heads + *tails > 7) return std::nullopt;
    }
    ByteArray<16> bytes{};
    for (std::size_t i = 0; i < *heads; ++i) store_be(bytes.data() + 2 * i, head[i]);
    for (std::size_t i = 0; i < *tails; ++i) store_be(bytes.data() + 2 * (8 - *tails + i), tail[i]);
    return bytes;
}

std::string format_v4(Bytes bytes) {
    std::string text;
    for (std::size_t i = 0; i < 4; ++i) {
        if (i > 0) text += '.';
        text += std::to_string(std::to_integer<unsigned>(bytes[i]));
    }
    return text;
}

/// ::ffff:0:0/96 (RFC 4291 2.5.5.2).
bool is_v4_mapped(Bytes bytes) {
    constexpr ByteArray<12> prefix{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xff}, std::byte{0xff}}};
    return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

std::string format_v6(Bytes bytes) {
    if (is_v4_mapped(bytes)) return "::ffff:" + format_v4(bytes.subspan(12)); // RFC 5952 5
    std::array<std::uint16_t, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i) groups[i] = load_be<std::uint16_t>(bytes.data() + 2 * i);
    std::size_t gap = 8;
    std::size_t gap_length = 1; // RFC 5952 4.2.2: a single zero group is not shortened
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t length = 0;
        while (i + length < 8 && groups[i + length] == 0) ++length;
        if (length > gap_length) {
            gap = i;
            gap_length = length;
        }
    }
    std::string text;
    for (std::size_t i = 0; i < 8;) {
        if (i == gap) {
            text += "::";
            i += gap_length;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        bool leading = true;
        for (unsigned shift = 16; shift > 0; shift -= 4) {
            const unsigned digit = static_cast<unsigned>(groups[i]) >> (shift - 4) & 15U;
            if (leading && digit == 0 && shift > 4) continue;
            leading = false;
            text += "0123456789abcdef"[digit];
        }
        ++i;
    }
    return text;
}

} // namespace

std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t max) {
    if (text.empty() || text.size() > 10 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value > max) return std::nullopt;
    return static_cast<std::uint32_t>(value);
}

IpAddress IpAddress::v4(std::span<const std::byte, 4> bytes) {
    IpAddress address;
    copy(bytes, address.bytes_);
    return address;
}

IpAddress IpAddress::v6(std::span<const std::byte, 16> bytes) {
    IpAddress address;
    address.family_ = Family::v6;
    copy(bytes, address.bytes_);
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        const auto bytes = parse_v6(text);
        return bytes ? std::optional(v6(*bytes)) : std::nullopt;
    }
    const auto bytes = parse_v4(text);
    return bytes ? std::optional(v4(*bytes)) : std::nullopt;
}

IpAddress IpAddress::masked(unsigned bits) const {
    IpAddress result = *this;
    for (unsigned i = 0; i < width() / 8; ++i) {
        const unsigned keep = bits >= 8 * (i + 1) ? 8 : (bits > 8 * i ? bits - 8 * i : 0);
        result.bytes_[i] &= static_cast<std::byte>(0xff00U >> keep & 0xffU);
    }
    return result;
}

bool IpAddress::is_unspecified() const { return bytes_ == ByteArray<16>{}; }

std::string IpAddress::to_string() const { return is_v4() ? format_v4(bytes_) : format_v6(bytes_); }

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Prefix(*address, address->width());
    const auto bits = parse_decimal(text.substr(slash + 1), address->width());
    return bits ? std::optional(Prefix(*address, *bits)) : std::nullopt;
}

bool Prefix::contains(const IpAddress& address) const {
    return address.family() == family() && address.masked(bits_) == address_.masked(bits_);
}

bool Prefix::overlaps(const Prefix& other) const {
    return bits_ <= other.bits_ ? contains(other.address_) : other.contains(address_);
}

std::string Prefix::to_string() const { return address_.to_string() + '/' + std::to_string(bits_); }

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    Endpoint endpoint;
    std::string_view host;
    if (text.starts_with('[')) {
        const std::size_t close = text.find("]:");
        if (close == std::string_view::npos) return std::nullopt;
        host = text.substr(1, close - 1);
        text.remove_prefix(close + 2);
        if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
            const auto scope = parse_decimal(host.substr(percent + 1), 0xffffffffU);
            if (!scope || *scope == 0) return std::nullopt;
            endpoint.scope = *scope;
            host = host.substr(0, percent);
        }
        if (host.find(':') == std::string_view::npos) return std::nullopt;
    } else {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        host = text.substr(0, colon);
        text.remove_prefix(colon + 1);
    }
    const auto address = IpAddress::parse(host);
    const auto port = parse_decimal(text, 65535);
    if (!address || !port || *port == 0) return std::nullopt;
    endpoint.address = *address;
    endpoint.port = Port{static_cast<std::uint16_t>(*port)};
    return endpoint;
}

std::string Endpoint::to_string() const {
    const std::string tail = ':' + std::to_string(port.value);
    if (address.is_v4()) return address.to_string() + tail;
    return '[' + address.to_string() + (scope != 0 ? '%' + std::to_string(scope) : "") + ']' + tail;
}

} // namespace vpn
