#include "common/system/datagram_batch.hpp"

#include "common/system/datagram_storage.hpp"

#include <netinet/udp.h>

namespace vpn::system {
namespace {

bool is_link_local(const IpAddress& address) {
    const Bytes bytes = address.bytes();
    return !address.is_v4() && bytes[0] == std::byte{0xfe} && (bytes[1] & std::byte{0xc0}) == std::byte{0x80};
}

template <class Info> Info control_data(const cmsghdr& control) {
    Info info;
    std::memcpy(&info, CMSG_DATA(&control), sizeof info);
    return info;
}

/// Adds one control message behind the `used` bytes that are there; gives the bytes then used.
template <class Info> std::size_t add_control(int level, int type, const Info& info, ControlBuffer& buffer, std::size_t used) {
    auto& control = *reinterpret_cast<cmsghdr*>(buffer.bytes.data() + used);
    control.cmsg_level = level;
    control.cmsg_type = type;
    control.cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(&control), &info, sizeof info);
    return used + CMSG_SPACE(sizeof info);
}

/// Names the source address only. The interface follows the route of today, not the one that the datagram we answer came by;
/// a link-local address alone says too little.
std::size_t add_source(const LocalSource& source, ControlBuffer& buffer, std::size_t used) {
    if (source.address.is_v4()) {
        in_pktinfo info{};
        info.ipi_spec_dst = to_in_addr(source.address);
        return add_control(IPPROTO_IP, IP_PKTINFO, info, buffer, used);
    }
    in6_pktinfo info{};
    info.ipi6_addr = to_in6_addr(source.address);
    if (is_link_local(source.address)) info.ipi6_ifindex = source.interface;
    return add_control(IPPROTO_IPV6, IPV6_PKTINFO, info, buffer, used);
}

std::size_t add_ecn(const OutgoingDatagram& datagram, ControlBuffer& buffer, std::size_t used) {
    const int traffic_class = static_cast<int>(datagram.ecn);
    return datagram.path.remote.address.is_v4() ? add_control(IPPROTO_IP, IP_TOS, traffic_class, buffer, used)
                                                : add_control(IPPROTO_IPV6, IPV6_TCLASS, traffic_class, buffer, used);
}

void write_controls(msghdr& message, const OutgoingDatagram& datagram, bool with_source, ControlBuffer& buffer) {
    std::size_t used = 0;
    if (datagram.segment_size != 0)
        used = add_control(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(datagram.segment_size), buffer, used);
    if (with_source) used = add_source(datagram.path.local, buffer, used);
    if (datagram.ecn != Ecn::not_capable) used = add_ecn(datagram, buffer, used);
    message.msg_control = used == 0 ? nullptr : buffer.bytes.data();
    message.msg_controllen = used;
}

} // namespace

bool wants_source(const Path& path) {
    return !path.local.address.is_unspecified() && path.local.address.family() == path.remote.address.family();
}

std::size_t segment_size_of(const msghdr& message) {
    auto& writable = const_cast<msghdr&>(message); // CMSG_NXTHDR is not const-correct
    for (cmsghdr* control = CMSG_FIRSTHDR(&writable); control != nullptr; control = CMSG_NXTHDR(&writable, control))
        if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO)
            return static_cast<std::size_t>(control_data<int>(*control));
    return 0;
}

Ecn ecn_of(const msghdr& message) {
    auto& writable = const_cast<msghdr&>(message);
    for (cmsghdr* control = CMSG_FIRSTHDR(&writable); control != nullptr; control = CMSG_NXTHDR(&writable, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS)
            return static_cast<Ecn>(control_data<std::uint8_t>(*control) & 3U);
        if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS)
            return static_cast<Ecn>(control_data<int>(*control) & 3);
    }
    return Ecn::not_capable;
}

LocalSource local_source_of(const msghdr& message) {
    auto& writable = const_cast<msghdr&>(message);
    for (cmsghdr* control = CMSG_FIRSTHDR(&writable); control != nullptr; control = CMSG_NXTHDR(&writable, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            const auto info = control_data<in_pktinfo>(*control);
            return {to_address(info.ipi_spec_dst), static_cast<std::uint32_t>(info.ipi_ifindex)};
        }
        if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            const auto info = control_data<in6_pktinfo>(*control);
            if (info.ipi6_addr.s6_addr[0] == 0xff) return {}; // multicast is nobody's source
            return {to_address(info.ipi6_addr), info.ipi6_ifindex};
        }
    }
    return {};
}

IncomingBatch::Storage::Storage(std::size_t slots, std::size_t slot_size)
    : slab(slots * slot_size), headers(slots), vectors(slots), addresses(slots), controls(slots), datagrams(slots), used(slots) {
    for (std::size_t i = 0; i < slots; ++i) {
        vectors[i] = {slab.bytes().data() + i * slot_size, slot_size};
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        headers[i].msg_hdr.msg_name = &addresses[i];
        headers[i].msg_hdr.msg_control = controls[i].bytes.data();
    }
    rearm();
}

void IncomingBatch::Storage::rearm() {
    for (std::size_t i = 0; i < used; ++i) {
        headers[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
        headers[i].msg_hdr.msg_controllen = sizeof(ControlBuffer);
        headers[i].msg_hdr.msg_flags = 0;
    }
    used = 0;
    count = 0;
}

IncomingBatch::IncomingBatch(std::size_t slots, std::size_t slot_size) : storage_(std::make_unique<Storage>(slots, slot_size)) {}
IncomingBatch::IncomingBatch(IncomingBatch&&) noexcept = default;
IncomingBatch& IncomingBatch::operator=(IncomingBatch&&) noexcept = default;
IncomingBatch::~IncomingBatch() = default;

std::span<IncomingDatagram> IncomingBatch::datagrams() const { return std::span(storage_->datagrams).first(storage_->count); }
std::size_t IncomingBatch::truncated() const { return storage_->used - storage_->count; }

void OutgoingChunk::prepare(std::span<const OutgoingDatagram> datagrams) {
    for (std::size_t i = 0; i < datagrams.size(); ++i) {
        const OutgoingDatagram& datagram = datagrams[i];
        // sendmmsg takes what it only reads as non-const.
        vectors[i] = {const_cast<std::byte*>(datagram.bytes.data()), datagram.bytes.size()};
        headers[i] = {};
        msghdr& message = headers[i].msg_hdr;
        message.msg_name = &addresses[i];
        message.msg_namelen = write_socket_address(datagram.path.remote, addresses[i]);
        message.msg_iov = &vectors[i];
        message.msg_iovlen = 1;
        write_controls(message, datagram, wants_source(datagram.path), controls[i]);
    }
}

void OutgoingChunk::drop_source(std::size_t index, const OutgoingDatagram& datagram) {
    write_controls(headers[index].msg_hdr, datagram, false, controls[index]);
}

} // namespace vpn::system
