#include "vpn-client/leak_lock.hpp"

#include "common/system/clocks.hpp"

#include <algorithm>
#include <new>
#include <sstream>
#include <utility>

namespace vpn::client {
namespace {

/// The shape of the table that it makes.
Result<std::string> put_up(system::Nftables& nftables, const LockFacts& facts) {
    if (auto applied = nftables.apply(lock_commands(facts)); !applied) return tl::unexpected(applied.error());
    return nftables.shape_of("inet", lock_table_name(facts.connection));
}

} // namespace

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

void admit_resolvers(system::Nftables& nftables, std::string_view connection, const std::vector<Resolver>& resolvers,
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
    auto shape = put_up(*nftables, facts);
    if (!shape) return tl::unexpected(shape.error());
    return LeakLock(std::move(*nftables), facts, std::move(*shape), !stood);
}

LeakLock::LeakLock(LeakLock&& other) noexcept
    : nftables_(std::move(other.nftables_)), facts_(std::exchange(other.facts_, {})), shape_(std::move(other.shape_)),
      open_until_(other.open_until_), is_torn_(other.is_torn_), torn_(std::move(other.torn_)), goes_(other.goes_) {}

LeakLock::~LeakLock() {
    if (goes_ && !facts_.connection.empty()) static_cast<void>(lower_lock(nftables_, facts_.connection));
}

void LeakLock::admit_only(std::vector<Endpoint> endpoints) {
    if (std::ranges::is_permutation(endpoints, facts_.endpoints)) return;
    facts_.endpoints = std::move(endpoints);
    try {
        if (nftables_.apply(admit_only_commands(facts_.connection, facts_.endpoints))) return;
    } catch (const std::bad_alloc&) { // as if nft had refused it
    }
    is_torn_ = true;
    if (torn_) torn_();
}

Result<void> LeakLock::pause(Duration time) {
    auto done = pause_lock(nftables_, facts_.connection, time);
    if (done) open_until_ = system::now().boot + time;
    return done;
}

bool LeakLock::is_whole() const {
    const auto shape = nftables_.shape_of("inet", lock_table_name(facts_.connection));
    return shape && *shape == shape_;
}

bool LeakLock::is_open() const { return open_until_ && *open_until_ > system::now().boot; }

Result<bool> LeakLock::restore() {
    if (!is_torn_ && is_whole()) return false;
    auto shape = put_up(nftables_, facts_);
    if (!shape) return tl::unexpected(shape.error());
    shape_ = std::move(*shape);
    is_torn_ = false;
    const Boot now = system::now().boot;
    if (open_until_ && *open_until_ > now) static_cast<void>(pause_lock(nftables_, facts_.connection, *open_until_ - now));
    return true;
}

void LeakLock::admit_resolvers(const std::vector<Resolver>& resolvers, Duration time) {
    static_cast<void>(nftables_.apply(admit_resolvers_commands(facts_.connection, resolvers, time)));
}

void LeakLock::dismiss_resolvers() { static_cast<void>(nftables_.apply(dismiss_resolvers_commands(facts_.connection))); }

} // namespace vpn::client
