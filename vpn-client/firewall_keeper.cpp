#include "vpn-client/firewall_keeper.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {

FirewallKeeper::FirewallKeeper(boost::asio::io_context& loop, std::string connection, std::string firewall_table, LeakLock* lock,
                               Network& network, system::Logger log)
    : connection_(std::move(connection)), lock_(lock), network_(network), log_(std::move(log)) {
    if (!firewall_table.empty()) tables_.push_back(std::move(firewall_table));
    if (lock_ != nullptr) tables_.push_back(lock_table_name(connection_));
    if (tables_.empty()) return;
    auto monitor = system::NftablesMonitor::open();
    if (!monitor) {
        log_.warn("firewall-unwatched", {{"connection", connection_}, {"error", monitor.error().message}});
        return;
    }
    monitor_ = std::move(*monitor);
    watch_.emplace(loop, monitor_->fd(), [this] { handle_changes(); });
    restore(); // who was quicker than the watch
}

void FirewallKeeper::handle_changes() {
    const auto changes = monitor_->read();
    const auto ours = [this](const std::string& table) { return std::ranges::find(tables_, table) != tables_.end(); };
    if (changes.lost || std::ranges::any_of(changes.tables, ours)) restore();
}

void FirewallKeeper::restore() {
    if (lock_ != nullptr) tell(lock_->restore(), "lock");
    tell(network_.restore_firewall(), "firewall");
}

void FirewallKeeper::tell(const Result<bool>& restored, const std::string& what) const {
    if (!restored)
        log_.error(what + "-lost", {{"connection", connection_}, {"error", restored.error().message}});
    else if (*restored)
        log_.warn(what + "-put-up-again", {{"connection", connection_}});
}

} // namespace vpn::client
