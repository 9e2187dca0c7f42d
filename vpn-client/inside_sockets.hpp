// Sockets tied to a tunnel's interface, with which those inside it are asked whether it works. They are made while the process
// may make them (raw ones want CAP_NET_RAW), and are deaf while nobody asks. Refuses to know: what is asked, and why.
#pragma once

#include "common/base/ip.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace vpn::client {

/// How somebody is asked.
enum class Asked : std::uint8_t { by_echo, by_dns };

/// One, bound to no address and connected to nobody. What is sent goes into the tunnel, and what is heard came out of it.
struct InsideSocket {
    system::OsResult<system::UniqueFd> fd; ///< or why there is none; non-blocking
    /// For echoes: without CAP_NET_RAW, if the machine allows that to us. The kernel sets and knows the identifier then.
    bool is_ping = false;
};

/// One for each way to ask and each family.
class InsideSockets {
  public:
    /// Requires: the interface is there. What can't be made is told where it is wanted.
    static InsideSockets open(const std::string& interface);

    [[nodiscard]] const InsideSocket& of(Asked how, Family family) const;

  private:
    explicit InsideSockets(std::array<InsideSocket, 4> sockets) : sockets_(std::move(sockets)) {}
    std::array<InsideSocket, 4> sockets_;
};

/// It hears from now on: nothing that came before.
void listen_to(const InsideSocket& socket);
/// Nothing is kept for it any more.
void grow_deaf(const InsideSocket& socket);

} // namespace vpn::client
