#include "common/protocol/message.hpp"

#include "common/protocol/constants.hpp"

namespace vpn::protocol {
namespace {

void write_type(MutableBytes out, MessageType type) {
    std::fill(out.begin(), out.end(), std::byte{0});
    store_le(out.data(), static_cast<std::uint32_t>(type));
}

} // namespace

Checked<MessageView> decode(Bytes datagram) {
    if (datagram.size() < 4) return dropped(Drop::malformed);
    // Read as one integer: a reserved byte that is not zero makes it another type.
    switch (static_cast<MessageType>(load_le<std::uint32_t>(datagram.data()))) {
    case MessageType::initiation:
        if (datagram.size() == initiation_size) return InitiationView{datagram};
        break;
    case MessageType::response:
        if (datagram.size() == response_size) return ResponseView{datagram};
        break;
    case MessageType::cookie_reply:
        if (datagram.size() == cookie_reply_size) return CookieReplyView{datagram};
        break;
    case MessageType::data:
        if (datagram.size() >= data_overhead) return DataView{datagram};
        break;
    }
    return dropped(Drop::malformed);
}

InitiationFields<std::byte> encode_initiation(MutableBytes out, LocalIndex sender) {
    write_type(out, MessageType::initiation);
    store_le(out.data() + 4, sender.value);
    return {out};
}

ResponseFields<std::byte> encode_response(MutableBytes out, LocalIndex sender, RemoteIndex receiver) {
    write_type(out, MessageType::response);
    store_le(out.data() + 4, sender.value);
    store_le(out.data() + 8, receiver.value);
    return {out};
}

CookieReplyFields<std::byte> encode_cookie_reply(MutableBytes out, RemoteIndex receiver) {
    write_type(out, MessageType::cookie_reply);
    store_le(out.data() + 4, receiver.value);
    return {out};
}

void encode_data_header(MutableBytes out, RemoteIndex receiver, std::uint64_t counter) {
    store_le(out.data(), static_cast<std::uint32_t>(MessageType::data));
    store_le(out.data() + 4, receiver.value);
    store_le(out.data() + 8, counter);
}

std::size_t padded_size(std::size_t size, std::size_t mtu) {
    const std::size_t padded = (size + padding_multiple - 1) / padding_multiple * padding_multiple;
    return std::max(size, std::min(padded, mtu));
}

} // namespace vpn::protocol
