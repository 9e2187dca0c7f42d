#include "tests/tun/offload/packet.hpp"

namespace vpn::test {
namespace {

class Writer {
  public:
    Writer& u8(std::size_t value) {
        out_.push_back(static_cast<std::byte>(value & 0xffU));
        return *this;
    }
    Writer& u16(std::size_t value) { return u8(value >> 8U).u8(value); }
    Writer& u32(std::size_t value) { return u16(value >> 16U).u16(value); }
    Writer& bytes(Bytes value) {
        out_.insert(out_.end(), value.begin(), value.end());
        return *this;
    }
    [[nodiscard]] ByteVector take() { return std::move(out_); }

  private:
    ByteVector out_;
};

ByteVector address(const Packet& packet, std::uint8_t last) {
    if (!packet.v6) return Writer().u8(10).u8(66).u8(0).u8(last).take();
    return Writer().u32(0xfd660000U).u32(0).u32(0).u32(last).take();
}

std::uint8_t protocol(const Packet& packet) { return packet.tcp ? 6 : 17; }
std::size_t l4_size(const Packet& packet) { return payload_at(packet) - l4_at(packet) + packet.payload.size(); }

ByteVector l4(const Packet& p, std::uint16_t checksum) {
    Writer out;
    out.u16(p.source_port).u16(p.destination_port);
    if (p.tcp) {
        out.u32(p.sequence).u32(p.acknowledgement);
        out.u8((5 + p.tcp_options.size() / 4) << 4U | p.reserved).u8(p.flags).u16(p.window).u16(checksum).u16(p.urgent);
        out.bytes(p.tcp_options);
    } else {
        out.u16(l4_size(p)).u16(checksum);
    }
    return out.bytes(p.payload).take();
}

ByteVector ip_header(const Packet& p, std::uint16_t checksum) {
    Writer out;
    if (p.v6) {
        out.u32(6U << 28U | std::size_t{p.traffic_class} << 20U | p.flow_label).u16(l4_size(p));
        out.u8(protocol(p)).u8(p.hop_limit);
    } else {
        out.u8(4U << 4U | (5 + p.ip_options.size() / 4)).u8(p.traffic_class).u16(l4_at(p) + l4_size(p));
        out.u16(p.id).u16(p.fragment_bits).u8(p.hop_limit).u8(protocol(p)).u16(checksum);
    }
    out.bytes(address(p, p.source)).bytes(address(p, p.destination));
    if (!p.v6) out.bytes(p.ip_options);
    return out.take();
}

std::uint16_t complement(std::uint16_t sum) { return static_cast<std::uint16_t>(0xffffU - sum); }

} // namespace

std::uint16_t plain_sum(Bytes bytes, std::uint16_t sum) {
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const unsigned high = std::to_integer<unsigned>(bytes[i]);
        const unsigned low = i + 1 < bytes.size() ? std::to_integer<unsigned>(bytes[i + 1]) : 0;
        const unsigned wide = sum + (high << 8U | low);
        sum = static_cast<std::uint16_t>(wide > 0xffffU ? wide - 0xffffU : wide);
    }
    return sum;
}

std::size_t l4_at(const Packet& packet) { return packet.v6 ? 40 : 20 + packet.ip_options.size(); }
std::size_t payload_at(const Packet& packet) { return l4_at(packet) + (packet.tcp ? 20 + packet.tcp_options.size() : 8); }
std::size_t checksum_at(const Packet& packet) { return l4_at(packet) + (packet.tcp ? 16 : 6); }

ByteVector pseudo_header(const Packet& p) {
    Writer out;
    out.bytes(address(p, p.source)).bytes(address(p, p.destination));
    if (p.v6) return out.u32(l4_size(p)).u32(protocol(p)).take();
    return out.u8(0).u8(protocol(p)).u16(l4_size(p)).take();
}

ByteVector build(const Packet& packet) {
    std::uint16_t checksum = complement(plain_sum(l4(packet, 0), plain_sum(pseudo_header(packet))));
    if (checksum == 0 && !packet.tcp) checksum = 0xffff; // RFC 768: an all-zero checksum means that there is none
    const std::uint16_t header_checksum = complement(plain_sum(ip_header(packet, 0)));
    return Writer().bytes(ip_header(packet, header_checksum)).bytes(l4(packet, checksum)).take();
}

} // namespace vpn::test
