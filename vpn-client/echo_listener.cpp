#include "vpn-client/echo_listener.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

namespace vpn::client {
namespace {

/// Enough for IPv6, fragment and ICMP headers; the kernel hands over no more.
constexpr std::uint32_t bytes_heard = 128;

constexpr sock_filter load_byte(std::uint32_t at) { return {BPF_LD | BPF_B | BPF_ABS, 0, 0, at}; }
/// Goes on if the byte is `value`, else leaves out the next `otherwise` steps.
constexpr sock_filter expect(std::uint32_t value, std::uint8_t otherwise) {
    return {BPF_JMP | BPF_JEQ | BPF_K, 0, otherwise, value};
}
constexpr sock_filter hear{BPF_RET | BPF_K, 0, 0, bytes_heard};
constexpr sock_filter pass_over{BPF_RET | BPF_K, 0, 0, 0};

/// ICMP, and in IPv6 what may be a fragment of it. What else there is runs through the tunnel too fast for us to look at.
constexpr std::array v4_filter{load_byte(9), expect(1, 1), hear, pass_over};
constexpr std::array v6_filter{load_byte(6),  expect(58, 3), load_byte(40), expect(129, 1), hear,
                               expect(44, 3), load_byte(40), expect(58, 1), hear,           pass_over};

constexpr auto what = "cannot hear answers inside the tunnel";

} // namespace

system::OsResult<EchoListener> EchoListener::open() {
    system::UniqueFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); // deaf until it is bound
    if (!fd) return system::os_failed(what, errno);
    return EchoListener(std::move(fd));
}

system::OsResult<void> EchoListener::listen(std::uint32_t interface, Family family) {
    const bool v4 = family == Family::v4;
    std::vector<sock_filter> steps =
        v4 ? std::vector(v4_filter.begin(), v4_filter.end()) : std::vector(v6_filter.begin(), v6_filter.end());
    const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
    if (::setsockopt(fd_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        return system::os_failed(what, errno);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
    address.sll_ifindex = static_cast<int>(interface);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system::os_failed(what, errno);
    return {};
}

std::optional<EchoReply> EchoListener::next() const {
    ByteArray<bytes_heard> buffer{};
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return std::nullopt;
    return find_echo_reply(Bytes(buffer).first(static_cast<std::size_t>(got)));
}

} // namespace vpn::client
