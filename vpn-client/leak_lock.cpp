#include "vpn-client/leak_lock.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace vpn::client {

std::vector<std::string> standing_locks(system::Nftables& nftables) {
    std::vector<std::string> connections;
    const auto tables = nftables.list("list tables inet");
    std::istringstream lines(tables.value_or(""));
    for (std::string word; lines >> word;)
        if (std::string connection = connection_locked_by(word); !connection.empty())
            connections.push_back(std::move(connection));
    std::ranges::sort(connections);
    return connections;
}

bool lock_stands(system::Nftables& nftables, std::string_view connection) {
    const std::vector<std::string> all = standing_locks(nftables);
    return std::ranges::find(all, connection) != all.end();
}

Result<void> lower_lock(system::Nftables& nftables, std::string_view connection) {
    return system::ScopedTable::adopt(nftables, "inet", lock_table_name(connection)).revert();
}

Result<void> pause_lock(system::Nftables& nftables, std::string_view connection, Duration time) {
    return nftables.apply(pause_commands(connection, time));
}

void admit_resolvers(system::Nftables& nftables, std::string_view connection, const std::vector<IpAddress>& resolvers,
                     Duration time) {
    if (!resolvers.empty() && lock_stands(nftables, connection))
        static_cast<void>(nftables.apply(admit_resolvers_commands(connection, resolvers, time)));
}

void dismiss_resolvers(system::Nftables& nftables, std::string_view connection) {
    static_cast<void>(nftables.apply(dismiss_resolvers_commands(connection)));
}

Result<LeakLock> LeakLock::raise(const LockFacts& facts) {
    auto nftables = system::Nftables::open();
    if (!nftables) return tl::unexpected(nftables.error());
    const bool stood = lock_stands(*nftables, facts.connection);
    if (auto applied = nftables->apply(lock_commands(facts)); !applied) return tl::unexpected(applied.error());
    return LeakLock(std::move(*nftables), facts.connection, !stood);
}

LeakLock::LeakLock(LeakLock&& other) noexcept
    : nftables_(std::move(other.nftables_)), connection_(std::exchange(other.connection_, {})), goes_(other.goes_) {}

LeakLock::~LeakLock() {
    if (goes_ && !connection_.empty()) static_cast<void>(lower_lock(nftables_, connection_));
}

void LeakLock::admit(const Endpoint& endpoint) { static_cast<void>(nftables_.apply(admit_command(connection_, endpoint))); }

void LeakLock::admit_resolvers(const std::vector<IpAddress>& resolvers, Duration time) {
    static_cast<void>(nftables_.apply(admit_resolvers_commands(connection_, resolvers, time)));
}

void LeakLock::dismiss_resolvers() { static_cast<void>(nftables_.apply(dismiss_resolvers_commands(connection_))); }

void LeakLock::pause(Duration time) { static_cast<void>(pause_lock(nftables_, connection_, time)); }

} // namespace vpn::client
