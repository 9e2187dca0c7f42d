#include "common/system/netlink.hpp"

#include "common/system/netlink_message.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

namespace vpn::system {
namespace {

constexpr int receive_buffer_size = 1 << 20;
constexpr std::size_t largest_answer = std::size_t{64} << 10U;
/// So many acknowledgements surely fit the receive buffer; one more might be lost.
constexpr std::size_t requests_at_once = 128;
constexpr int dump_attempts = 8;

void set_option(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

/// What the kernel says beside the errno ("Nexthop has invalid gateway"), if it does.
std::string explanation(const nlmsghdr& message) {
    std::string text;
    if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return text;
    for_each_attribute<nlmsgerr>(message, [&text](std::uint16_t type, const nlattr& attribute) {
        if (type == NLMSGERR_ATTR_MSG) text = " (" + text_of(attribute) + ")";
    });
    return text;
}

} // namespace

/// What comes back for a run of requests with consecutive sequence numbers.
struct Netlink::Answers {
    std::uint32_t first;
    std::vector<int> errors;
    std::size_t acknowledged = 0;
    std::string explanation;
    const std::function<void(const nlmsghdr&)>* each = nullptr;

    void take(const nlmsghdr& message) {
        const std::size_t which = message.nlmsg_seq - first;
        if (which >= errors.size()) return; // left over from a request that failed before its answer was read
        if (message.nlmsg_type != NLMSG_ERROR) {
            if (each != nullptr) (*each)(message);
            return;
        }
        errors[which] = -extra_of<nlmsgerr>(message).error;
        if (errors[which] != 0) explanation = system::explanation(message);
        ++acknowledged;
    }
};

OsResult<Netlink> Netlink::open() {
    const std::string what = "cannot open a netlink socket";
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd) return os_failed(what, errno);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) return os_failed(what, errno);
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer_size);
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer_size);
    set_option(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, 1);
    set_option(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, 1);
    return Netlink(std::move(fd));
}

Netlink::Netlink(UniqueFd fd) : fd_(std::move(fd)), receive_buffer_(largest_answer) {}

int Netlink::send(Bytes bytes) {
    for (;;) {
        if (::send(fd_.get(), bytes.data(), bytes.size(), 0) >= 0) return 0;
        if (errno != EINTR) return errno;
    }
}

Result<Bytes, int> Netlink::receive() {
    for (;;) {
        sockaddr_nl from{};
        socklen_t length = sizeof from;
        const ssize_t got =
            ::recvfrom(fd_.get(), receive_buffer_.data(), receive_buffer_.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0 && errno != EINTR) return tl::unexpected(errno);
        if (got > 0 && from.nl_pid == 0) return Bytes(receive_buffer_).first(static_cast<std::size_t>(got)); // zero is the kernel
    }
}

int Netlink::exchange(Bytes requests, Answers& answers) {
    if (const int error = send(requests); error != 0) return error;
    while (answers.acknowledged < answers.errors.size()) {
        const auto bytes = receive();
        if (!bytes) return bytes.error();
        for_each_message(*bytes, [&answers](const nlmsghdr& message) { answers.take(message); });
    }
    return 0;
}

OsResult<void> Netlink::request(NetlinkMessage& message, std::string_view what) {
    return request(message, what, [](const nlmsghdr&) {});
}

OsResult<void> Netlink::request(NetlinkMessage& message, std::string_view what,
                                const std::function<void(const nlmsghdr&)>& answer) {
    message.header().nlmsg_flags |= NLM_F_ACK;
    message.header().nlmsg_seq = ++sequence_;
    Answers answers{sequence_, {0}, 0, {}, &answer};
    if (const int error = exchange(message.bytes(), answers); error != 0) return os_failed(what, error);
    if (answers.errors.front() == 0) return {};
    auto failure = os_failed(what, answers.errors.front());
    failure.value().message += answers.explanation;
    return failure;
}

OsResult<std::vector<int>> Netlink::request_all(std::vector<NetlinkMessage>& messages, std::string_view what) {
    std::vector<int> errors;
    errors.reserve(messages.size());
    ByteVector datagram;
    for (std::size_t done = 0; done < messages.size();) {
        const std::size_t count = std::min(requests_at_once, messages.size() - done);
        Answers answers{sequence_ + 1, std::vector<int>(count), 0, {}, nullptr};
        datagram.clear();
        for (NetlinkMessage& message : std::span(messages).subspan(done, count)) {
            message.header().nlmsg_flags |= NLM_F_ACK;
            message.header().nlmsg_seq = ++sequence_;
            datagram.insert(datagram.end(), message.bytes().begin(), message.bytes().end());
        }
        if (const int error = exchange(datagram, answers); error != 0) return os_failed(what, error);
        errors.insert(errors.end(), answers.errors.begin(), answers.errors.end());
        done += count;
    }
    return errors;
}

/// One dump, whole. Errors: EINTR if the tables changed meanwhile.
Result<ByteVector, int> Netlink::dump_once(NetlinkMessage& message) {
    message.header().nlmsg_flags |= NLM_F_DUMP;
    message.header().nlmsg_seq = ++sequence_;
    if (const int error = send(message.bytes()); error != 0) return tl::unexpected(error);
    ByteVector all;
    int error = 0;
    for (bool done = false; !done;) {
        const auto bytes = receive();
        if (!bytes) return tl::unexpected(bytes.error());
        for_each_message(*bytes, [&](const nlmsghdr& part) {
            if (part.nlmsg_seq != sequence_) return;
            if ((part.nlmsg_flags & NLM_F_DUMP_INTR) != 0) error = EINTR;
            if (part.nlmsg_type == NLMSG_ERROR) error = -extra_of<nlmsgerr>(part).error;
            if (part.nlmsg_type == NLMSG_ERROR || part.nlmsg_type == NLMSG_DONE) done = true;
        });
        all.insert(all.end(), bytes->begin(), bytes->end());
    }
    if (error != 0) return tl::unexpected(error);
    return all;
}

OsResult<void> Netlink::dump(NetlinkMessage& message, std::string_view what, const std::function<void(const nlmsghdr&)>& each) {
    for (int attempt = 1;; ++attempt) {
        const auto all = dump_once(message);
        if (!all && all.error() == EINTR && attempt < dump_attempts) continue;
        if (!all) return os_failed(what, all.error());
        for_each_message(*all, [&](const nlmsghdr& part) {
            if (part.nlmsg_type >= NLMSG_MIN_TYPE && part.nlmsg_seq == sequence_) each(part);
        });
        return {};
    }
}

} // namespace vpn::system
