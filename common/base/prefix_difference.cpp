#include "common/base/prefix_difference.hpp"

#include <algorithm>
#include <span>

namespace vpn {
namespace {

/// In order, so that what lies inside a prefix stands together, and the prefix itself, if it is there, before all of that.
using Inside = std::span<const Prefix>;

std::vector<Prefix> in_order(const std::vector<Prefix>& prefixes, Family family) {
    std::vector<Prefix> sorted;
    for (const Prefix& prefix : prefixes)
        if (prefix.family() == family) sorted.push_back(prefix.network());
    std::ranges::sort(sorted);
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    return sorted;
}

bool starts_with(Inside prefixes, const Prefix& prefix) { return !prefixes.empty() && prefixes.front() == prefix; }

Prefix lower_half(const Prefix& whole) { return {whole.address(), whole.bits() + 1}; }

Prefix upper_half(const Prefix& whole) {
    ByteArray<16> bytes{};
    std::ranges::copy(whole.address().bytes(), bytes.begin());
    bytes.at(whole.bits() / 8) |= std::byte{0x80} >> (whole.bits() % 8);
    const IpAddress address = whole.family() == Family::v4 ? IpAddress::v4(std::span(bytes).first<4>())
                                                           : IpAddress::v6(std::span<const std::byte, 16>(bytes));
    return {address, whole.bits() + 1};
}

/// Walks down the binary tree of prefixes, only where something is listed and something excluded below.
class Difference {
  public:
    /// Adds what remains of `here`. `covered`: it lies in a listed prefix.
    void add(const Prefix& here, bool covered, Inside listed, Inside excluded) {
        if (starts_with(excluded, here)) return;
        covered = covered || starts_with(listed, here);
        if (!covered && listed.empty()) return;
        if (covered && excluded.empty()) return remaining_.push_back(here);
        const Prefix upper = upper_half(here);
        const auto is_lower = [&upper](const Prefix& prefix) { return prefix.address() < upper.address(); };
        const auto cut = [&](Inside all) {
            // The prefix itself has its lower half's address: it has been heeded.
            if (starts_with(all, here)) all = all.subspan(1);
            const auto middle = std::ranges::partition_point(all, is_lower);
            const auto size = static_cast<std::size_t>(middle - all.begin());
            return std::pair(all.first(size), all.subspan(size));
        };
        const auto [listed_below, listed_above] = cut(listed);
        const auto [excluded_below, excluded_above] = cut(excluded);
        add(lower_half(here), covered, listed_below, excluded_below);
        add(upper, covered, listed_above, excluded_above);
        join(here);
    }

    std::vector<Prefix> take() { return std::move(remaining_); }

  private:
    /// Both halves remained whole: they are one.
    void join(const Prefix& whole) {
        const std::size_t size = remaining_.size();
        if (size < 2 || remaining_[size - 1] != upper_half(whole) || remaining_[size - 2] != lower_half(whole)) return;
        remaining_.resize(size - 2);
        remaining_.push_back(whole);
    }

    std::vector<Prefix> remaining_;
};

} // namespace

std::vector<Prefix> prefix_difference(const std::vector<Prefix>& listed, const std::vector<Prefix>& excluded) {
    Difference difference;
    for (const Family family : {Family::v4, Family::v6}) {
        const Prefix everything(family == Family::v4 ? IpAddress() : IpAddress::v6(ByteArray<16>{}), 0);
        difference.add(everything, false, in_order(listed, family), in_order(excluded, family));
    }
    return difference.take();
}

} // namespace vpn
