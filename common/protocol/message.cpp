#include "common/protocol/message.hpp"

#include "common/protocol/constants.hpp"

namespace vpn::protocol {
namespace {

void write_type(MutableBytes out, std::uint32_t type) {
    std::fill(out.begin(), out.end(), std::byte{0});
    store_le(out.data(), type);
}

} // namespace

Checked<MessageView> decode(Bytes datagram) {
    if (datagram.size() < 4) return dropped(Drop::malformed);
    // Read as one integer: a reserved byte that is not zero makes it another type.
    const auto type = load_le<std::uint32_t>(datagram.data());
    if (type == data_type && datagram.size() >= data_overhead_min) return DataView{datagram};
    if (type == cookie_reply_type && datagram.size() == cookie_reply_size) return CookieReplyView{datagram};
    for (const Suite suite : every_suite) {
        if (type == facts_of(suite).initiation_type && datagram.size() == initiation_size(suite))
            return InitiationView{suite, datagram};
        if (type == facts_of(suite).response_type && datagram.size() == response_size(suite))
            return ResponseView{suite, datagram};
    }
    return dropped(Drop::malformed);
}

InitiationFields<std::byte> encode_initiation(Suite suite, MutableBytes out, LocalIndex sender) {
    write_type(out, facts_of(suite).initiation_type);
    store_le(out.data() + 4, sender.value);
    return {suite, out};
}

ResponseFields<std::byte> encode_response(Suite suite, MutableBytes out, LocalIndex sender, RemoteIndex receiver) {
    write_type(out, facts_of(suite).response_type);
    store_le(out.data() + 4, sender.value);
    store_le(out.data() + 8, receiver.value);
    return {suite, out};
}

CookieReplyFields<std::byte> encode_cookie_reply(MutableBytes out, RemoteIndex receiver) {
    write_type(out, cookie_reply_type);
    store_le(out.data() + 4, receiver.value);
    return {out};
}

void encode_data_header(MutableBytes out, RemoteIndex receiver, std::uint64_t counter) {
    store_le(out.data(), data_type);
    store_le(out.data() + 4, receiver.value);
    store_le(out.data() + 8, counter);
}

std::size_t padded_size(std::size_t size, std::size_t mtu) {
    const std::size_t padded = (size + padding_multiple - 1) / padding_multiple * padding_multiple;
    return std::max(size, std::min(padded, mtu));
}

} // namespace vpn::protocol
