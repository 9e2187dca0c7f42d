// Changes of the firewall, whoever makes them, as they happen: of which tables something was added, changed or removed.
// Refuses to know: what. An event says where to look again, not what is there now. Elements of sets are no change.
#pragma once

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <string>
#include <vector>

namespace vpn::system {

/// Hears of the network namespace it was opened in. Not thread-safe.
class NftablesMonitor {
  public:
    /// Errors: EPERM without CAP_NET_ADMIN; the kernel has no nftables.
    static OsResult<NftablesMonitor> open();

    struct Changes {
        std::vector<std::string> tables; ///< of whatever family; each once
        bool lost = false;               ///< more happened than the kernel could keep for us: look at everything again
        friend bool operator==(const Changes&, const Changes&) = default;
    };

    /// Non-blocking; readable when there are changes.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Everything that is there, without waiting; empty if nothing is.
    Changes read();

  private:
    explicit NftablesMonitor(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

} // namespace vpn::system
