// Keeps a connection's tables in the firewall: whoever removes or changes them (`nft flush ruleset`, a restart of firewalld or of
// nftables.service) is overruled at once. Refuses to know: what the tables hold.
#pragma once

#include "common/system/log.hpp"
#include "common/system/nftables_monitor.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/network.hpp"
#include "vpn-client/till_done.hpp"
#include "vpn-client/watch.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

class FirewallKeeper {
  public:
    /// Watches from now on, and looks once. `lock` may be none; both outlive the keeper.
    FirewallKeeper(boost::asio::io_context& loop, std::string connection, std::string firewall_table, LeakLock* lock,
                   Network& network, system::Logger log);
    FirewallKeeper(const FirewallKeeper&) = delete;
    FirewallKeeper& operator=(const FirewallKeeper&) = delete;
    ~FirewallKeeper();

  private:
    void handle_changes();
    [[nodiscard]] bool restore(bool again);
    [[nodiscard]] bool tell(const Result<bool>& restored, const std::string& what, bool again) const;

    std::string connection_;
    std::vector<std::string> tables_;
    LeakLock* lock_;
    Network& network_;
    system::Logger log_;
    std::optional<system::NftablesMonitor> monitor_;
    TillDone restored_;
    std::optional<Watch> watch_;
};

} // namespace vpn::client
