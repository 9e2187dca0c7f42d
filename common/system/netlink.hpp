// The kernel's ear for interfaces, addresses, routes and rules: a request and its answer over one rtnetlink socket.
// Refuses to know: what is asked. link, address, route and rule build the requests.
#pragma once

#include "common/base/bytes.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

struct nlmsghdr;

namespace vpn::system {

class NetlinkMessage;

/// Speaks of the network namespace it was opened in. Blocking: the kernel answers at once. Not thread-safe.
class Netlink {
  public:
    static OsResult<Netlink> open();

    /// Sends one request and waits for its acknowledgement. `what` begins the error's sentence.
    OsResult<void> request(NetlinkMessage& message, std::string_view what);
    /// The same for a request that is answered with one object.
    OsResult<void> request(NetlinkMessage& message, std::string_view what, const std::function<void(const nlmsghdr&)>& answer);
    /// Sends all, many in a datagram. One result each, in order: zero or an errno.
    OsResult<std::vector<int>> request_all(std::vector<NetlinkMessage>& messages, std::string_view what);
    /// Every object that answers a dump; begun anew if the kernel's tables changed under it.
    OsResult<void> dump(NetlinkMessage& message, std::string_view what, const std::function<void(const nlmsghdr&)>& each);

  private:
    struct Answers;
    explicit Netlink(UniqueFd fd);
    int send(Bytes bytes);
    Result<Bytes, int> receive();
    int exchange(Bytes requests, Answers& answers);
    Result<ByteVector, int> dump_once(NetlinkMessage& message);

    UniqueFd fd_;
    std::uint32_t sequence_ = 0;
    ByteVector receive_buffer_;
};

} // namespace vpn::system
