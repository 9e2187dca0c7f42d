#include "vpn-client/dns_question.hpp"

namespace vpn::client {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint16_t recursion_desired = 0x0100;
constexpr std::uint16_t type_ns = 2;
constexpr std::uint16_t class_in = 1;
constexpr std::byte answer_bit{0x80};

} // namespace

ByteVector encode_dns_question(std::uint16_t identifier) {
    ByteVector message(header_size + 5); // the root's name is one zero byte
    store_be<std::uint16_t>(&message[0], identifier);
    store_be<std::uint16_t>(&message[2], recursion_desired);
    store_be<std::uint16_t>(&message[4], 1);
    store_be<std::uint16_t>(&message[header_size + 1], type_ns);
    store_be<std::uint16_t>(&message[header_size + 3], class_in);
    return message;
}

bool is_dns_answer(Bytes message, std::uint16_t identifier) {
    return message.size() >= header_size && load_be<std::uint16_t>(message.data()) == identifier &&
           (message[2] & answer_bit) == answer_bit;
}

} // namespace vpn::client
