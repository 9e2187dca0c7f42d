#include "vpn-client/firewall_keeper.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace vpn::client {
namespace {

/// What memory does not suffice for may have been of ours.
system::NftablesMonitor::Changes changes_of(system::NftablesMonitor& monitor) {
    try {
        return monitor.read();
    } catch (const std::bad_alloc&) {
        return {.tables = {}, .lost = true};
    }
}

} // namespace

FirewallKeeper::FirewallKeeper(boost::asio::io_context& loop, std::string connection, std::string firewall_table, LeakLock* lock,
                               Network& network, system::Logger log)
    : connection_(std::move(connection)), lock_(lock), network_(network), log_(std::move(log)),
      restored_(loop, [this](bool again) { return restore(again); }) {
    if (!firewall_table.empty()) tables_.push_back(std::move(firewall_table));
    if (lock_ != nullptr) tables_.push_back(lock_table_name(connection_));
    if (tables_.empty()) return;
    if (lock_ != nullptr) lock_->on_torn([this] { restored_.begin_in(Duration::zero()); });
    auto monitor = system::NftablesMonitor::open();
    if (!monitor) {
        log_.warn("firewall-unwatched", {{"connection", connection_}, {"error", monitor.error().message}});
        return;
    }
    monitor_ = std::move(*monitor);
    watch_.emplace(loop, monitor_->fd(), [this] { handle_changes(); });
    restored_.begin(); // who was quicker than the watch
}

FirewallKeeper::~FirewallKeeper() {
    if (lock_ != nullptr) lock_->on_torn({});
}

void FirewallKeeper::handle_changes() {
    const auto changes = changes_of(*monitor_);
    const auto ours = [this](const std::string& table) { return std::ranges::find(tables_, table) != tables_.end(); };
    if (changes.lost || std::ranges::any_of(changes.tables, ours)) restored_.begin();
}

bool FirewallKeeper::restore(bool again) {
    const bool lock = lock_ == nullptr || tell(lock_->restore(), "lock", again);
    return tell(network_.restore_firewall(), "firewall", again) && lock;
}

/// What is lost, once; true: it stands.
bool FirewallKeeper::tell(const Result<bool>& restored, const std::string& what, bool again) const {
    if (!restored && !again)
        log_.error(what + "-lost", {{"connection", connection_}, {"error", restored.error().message}});
    else if (restored && *restored)
        log_.warn(what + "-put-up-again", {{"connection", connection_}});
    return restored.has_value();
}

} // namespace vpn::client
