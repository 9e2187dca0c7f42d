// The lock of a connection, put up and opened. It stands in the kernel on its own: a crash leaves it shut, and so does all but
// the user's `disconnect` and `pause`. Refuses to know: what it lets pass (lock_rules), and when (daemon).
#pragma once

#include "common/base/result.hpp"
#include "common/system/nftables.hpp"
#include "vpn-client/lock_rules.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vpn::client {

/// The connections whose locks are shut, in order of their names.
std::vector<std::string> standing_locks(system::Nftables& nftables);
[[nodiscard]] bool lock_stands(system::Nftables& nftables, std::string_view connection);
Result<void> lower_lock(system::Nftables& nftables, std::string_view connection);
/// Opens a lock that stands for so long; zero shuts it again.
Result<void> pause_lock(system::Nftables& nftables, std::string_view connection, Duration time);
/// Lets marked sockets ask these name servers for so long. Nothing happens where no lock stands.
void admit_resolvers(system::Nftables& nftables, std::string_view connection, const std::vector<Resolver>& resolvers,
                     Duration time);
void dismiss_resolvers(system::Nftables& nftables, std::string_view connection);

/// The lock of a connection that is being made or is up. Move-only.
class LeakLock {
  public:
    /// Puts it up, in place of one that stands. Until `hold`, one that did not stand before goes with this object.
    static Result<LeakLock> raise(const LockFacts& facts);
    LeakLock(LeakLock&& other) noexcept;
    LeakLock& operator=(LeakLock&&) = delete;
    ~LeakLock();

    /// From now on only `open_at_end` opens it.
    void hold() { goes_ = false; }
    void open_at_end() { goes_ = true; }
    [[nodiscard]] bool stays() const { return !goes_; }
    /// Calls it, whoever it is, once endpoints could not be let through: `restore` mends that. Empty: nobody.
    void on_torn(std::function<void()> torn) { torn_ = std::move(torn); }
    /// Lets outer packets go to these, and to no others any more.
    void admit_only(std::vector<Endpoint> endpoints);
    /// Lets marked sockets ask these name servers, for so long at most.
    void admit_resolvers(const std::vector<Resolver>& resolvers, Duration time);
    void dismiss_resolvers();
    /// Opens it for so long; zero shuts it again.
    Result<void> pause(Duration time);
    /// A pause lasts.
    [[nodiscard]] bool is_open() const;
    /// Its table is in the kernel, as it was made.
    [[nodiscard]] bool is_whole() const;
    /// Puts it up again where somebody has removed or changed it, a pause that lasts included. True if it had to be.
    Result<bool> restore();

  private:
    LeakLock(system::Nftables nftables, LockFacts facts, std::string shape, bool goes)
        : nftables_(std::move(nftables)), facts_(std::move(facts)), shape_(std::move(shape)), goes_(goes) {}

    mutable system::Nftables nftables_; ///< asking it changes nothing
    LockFacts facts_;                   ///< of no connection: moved from
    std::string shape_;                 ///< of the table, when it was made
    std::optional<Boot> open_until_;    ///< a pause
    bool is_torn_ = false;              ///< endpoints in it may be others than in the facts
    std::function<void()> torn_;
    bool goes_;
};

} // namespace vpn::client
