// The firewall, by libnftables, in its own language: a buffer of commands is one transaction, all or nothing.
// Refuses to know: what the rules are for.
//
// To replace a table whatever a crash left of it: `add table inet x; delete table inet x; table inet x { ... }` in one buffer.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vpn::system {

/// Whether those of sets are listed: there may be very many.
enum class Elements : std::uint8_t { listed, left_out };

/// A door to nftables of the network namespace it was made in. Not thread-safe.
class Nftables {
  public:
    /// Errors: the kernel has no netfilter. That it lacks nftables alone shows on the first `apply`.
    static Result<Nftables> open();
    Nftables(Nftables&&) noexcept;
    Nftables& operator=(Nftables&&) noexcept;
    ~Nftables();

    /// Runs the commands as one transaction. Prints nothing. Errors: nft's own words, and nothing has changed.
    Result<void> apply(std::string_view commands);
    /// What a `list` command prints, as `nft` itself would.
    Result<std::string> list(std::string_view command);
    /// The same as `nft -j` prints it (libnftables-json(5)).
    Result<std::string> list_json(std::string_view command, Elements elements);
    /// A table's chains, rules and sets, without what changes by itself: counters and the elements of sets.
    Result<std::string> shape_of(std::string_view family, std::string_view table);

  private:
    struct Context;
    explicit Nftables(std::unique_ptr<Context> context);
    Result<std::string> list_with(unsigned flags, std::string_view command);
    std::unique_ptr<Context> context_;
};

/// Deletes its table when it goes. Move-only.
class ScopedTable {
  public:
    /// `commands` make the table `family` `name` (the idiom above). `nftables` must outlive the guard.
    static Result<ScopedTable> apply(Nftables& nftables, std::string family, std::string name, std::string_view commands);
    /// Takes over a table that is there.
    static ScopedTable adopt(Nftables& nftables, std::string family, std::string name);
    ScopedTable(ScopedTable&& other) noexcept;
    ScopedTable& operator=(ScopedTable&& other) noexcept;
    ~ScopedTable() { static_cast<void>(revert()); }

    /// Deletes the table now; one that is gone already is fine.
    Result<void> revert();
    /// Leaves the table where it is.
    void release() { nftables_ = nullptr; }

  private:
    ScopedTable(Nftables& nftables, std::string family, std::string name)
        : nftables_(&nftables), family_(std::move(family)), name_(std::move(name)) {}

    Nftables* nftables_;
    std::string family_;
    std::string name_;
};

} // namespace vpn::system
