// One rtnetlink message, written and read attribute by attribute, over libmnl.
// Only the .cpp files of the netlink family include this.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ip.hpp"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::system {

/// A request under construction.
class NetlinkMessage {
  public:
    /// `flags` beside NLM_F_REQUEST.
    NetlinkMessage(std::uint16_t type, unsigned flags) : buffer_(capacity) {
        nlmsghdr* message = mnl_nlmsg_put_header(buffer_.data());
        message->nlmsg_type = type;
        message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    }

    /// Room for the family's own header, zeroed; valid until the message moves.
    template <class Header> Header& extra() {
        return *static_cast<Header*>(mnl_nlmsg_put_extra_header(&header(), sizeof(Header)));
    }
    /// Requires: what a request holds fits 512 bytes.
    void put(std::uint16_t attribute, Bytes value) {
        mnl_attr_put_check(&header(), buffer_.size(), attribute, value.size(), value.data());
    }
    void put_u32(std::uint16_t attribute, std::uint32_t value) { put(attribute, std::as_bytes(std::span(&value, 1))); }
    void put_text(std::uint16_t attribute, std::string_view text) { put(attribute, bytes_of(std::string(text) + '\0')); }

    nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(buffer_.data()); }
    /// As it goes out, padded to the boundary where the next may start.
    [[nodiscard]] Bytes bytes() const {
        return Bytes(buffer_).first(MNL_ALIGN(reinterpret_cast<const nlmsghdr*>(buffer_.data())->nlmsg_len));
    }

  private:
    static constexpr std::size_t capacity = 512;
    ByteVector buffer_;
};

/// Calls `each(type, attribute)` for a run of attributes.
template <class Each> void for_each_attribute(Bytes run, Each&& each) {
    while (run.size() >= sizeof(nlattr)) {
        const auto* attribute = reinterpret_cast<const nlattr*>(run.data());
        if (attribute->nla_len < sizeof(nlattr) || attribute->nla_len > run.size()) return;
        each(mnl_attr_get_type(attribute), *attribute);
        run = run.subspan(std::min<std::size_t>(MNL_ALIGN(attribute->nla_len), run.size()));
    }
}

/// The same for the attributes of a message, behind its `Header`.
template <class Header, class Each> void for_each_attribute(const nlmsghdr& message, Each&& each) {
    const Bytes payload(static_cast<const std::byte*>(mnl_nlmsg_get_payload(&message)), mnl_nlmsg_get_payload_len(&message));
    const std::size_t header_size = MNL_ALIGN(sizeof(Header));
    if (payload.size() > header_size) for_each_attribute(payload.subspan(header_size), each);
}

/// Calls `each(message)` for the messages of one datagram from the kernel.
template <class Each> void for_each_message(Bytes datagram, Each&& each) {
    int left = static_cast<int>(datagram.size());
    const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) each(*message);
}

/// The family's header. Requires: the kernel sent it.
template <class Header> const Header& extra_of(const nlmsghdr& message) {
    return *static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

inline Bytes bytes_of(const nlattr& attribute) {
    return {static_cast<const std::byte*>(mnl_attr_get_payload(&attribute)), mnl_attr_get_payload_len(&attribute)};
}

/// Zero if the attribute is shorter.
inline std::uint32_t u32_of(const nlattr& attribute) {
    std::uint32_t value = 0;
    const Bytes bytes = bytes_of(attribute);
    if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Without the terminator.
inline std::string text_of(const nlattr& attribute) {
    const Bytes bytes = bytes_of(attribute);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::string(text.substr(0, text.find('\0')));
}

/// Nothing if its length is no address's.
inline std::optional<IpAddress> address_of(const nlattr& attribute) {
    const Bytes bytes = bytes_of(attribute);
    if (bytes.size() == 4) return IpAddress::v4(bytes.first<4>());
    if (bytes.size() == 16) return IpAddress::v6(bytes.first<16>());
    return std::nullopt;
}

inline std::uint8_t af_of(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }
inline std::optional<Family> family_of(unsigned af) {
    if (af == AF_INET) return Family::v4;
    if (af == AF_INET6) return Family::v6;
    return std::nullopt;
}
/// All zeros.
inline IpAddress unspecified(Family family) {
    constexpr ByteArray<16> zeros{};
    return family == Family::v4 ? IpAddress::v4(std::span(zeros).first<4>()) : IpAddress::v6(zeros);
}

} // namespace vpn::system
