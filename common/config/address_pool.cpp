#include "common/config/address_pool.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace vpn::config {
namespace {

/// A host's place in its network. Networks wider than 64 bits of hosts are used as far as 64 bits reach.
using HostNumber = std::uint64_t;

unsigned host_bits(const Prefix& network) { return std::min(network.address().width() - network.bits(), 64U); }

HostNumber largest_host(const Prefix& network) {
    const unsigned bits = host_bits(network);
    return bits == 64 ? ~HostNumber{0} : (HostNumber{1} << bits) - 1;
}

/// The low 64 bits of an IPv6 address, or the 32 of an IPv4 address.
HostNumber low_bits(const IpAddress& address) {
    const Bytes bytes = address.bytes();
    return address.is_v4() ? load_be<std::uint32_t>(bytes.data()) : load_be<std::uint64_t>(bytes.data() + 8);
}

HostNumber host_of(const Prefix& network, const IpAddress& address) { return low_bits(address) & largest_host(network); }

/// Requires: host <= largest_host(network).
IpAddress nth_host(const Prefix& network, HostNumber host) {
    const IpAddress base = network.network().address();
    ByteArray<16> bytes{};
    copy(base.bytes(), bytes);
    if (base.is_v4()) {
        store_be(bytes.data(), static_cast<std::uint32_t>(low_bits(base) | host));
        return IpAddress::v4(std::span(bytes).first<4>());
    }
    store_be(bytes.data() + 8, low_bits(base) | host);
    return IpAddress::v6(bytes);
}

/// What of a network is not free. Its own hosts, in order: so the first free one is found in one go.
class Taken {
  public:
    Taken(const Prefix& network, std::span<const Prefix> own, std::span<const Prefix> others) : network_(network) {
        for (const Prefix& prefix : own) add({prefix.address(), prefix.address().width()});
        for (const Prefix& prefix : others) add(prefix);
        std::ranges::sort(hosts_);
    }

    /// The first free host from `first` to `last`.
    [[nodiscard]] std::optional<HostNumber> first_free(HostNumber first, HostNumber last) const {
        auto next = std::ranges::lower_bound(hosts_, first);
        for (HostNumber host = first; host >= first && host <= last; ++host) {
            while (next != hosts_.end() && *next < host) ++next;
            const bool held = next != hosts_.end() && *next == host;
            if (const Prefix* wide = wide_around(host)) {
                host |= largest_host(*wide) & largest_host(network_); // its last host; the loop goes on behind it
            } else if (!held) {
                return host;
            }
            if (host == ~HostNumber{0}) break;
        }
        return std::nullopt;
    }

  private:
    void add(const Prefix& prefix) {
        if (prefix.bits() == prefix.address().width()) {
            const HostNumber host = host_of(network_, prefix.address());
            if (nth_host(network_, host) == prefix.address()) hosts_.push_back(host);
        } else if (prefix.bits() > network_.bits() && network_.contains(prefix.address())) {
            wide_.push_back(prefix); // one that stands for everything (`0.0.0.0/0`) leaves room: others' own prefixes are longer
        }
    }
    /// The prefix of more than one host that it lies in, or null.
    [[nodiscard]] const Prefix* wide_around(HostNumber host) const {
        if (wide_.empty()) return nullptr;
        const IpAddress address = nth_host(network_, host);
        const auto found = std::ranges::find_if(wide_, [&](const Prefix& each) { return each.contains(address); });
        return found != wide_.end() ? &*found : nullptr;
    }

    Prefix network_;
    std::vector<HostNumber> hosts_;
    std::vector<Prefix> wide_;
};

/// The hosts that may be given: not the network's own address, nor IPv4's broadcast address.
struct HostRange {
    HostNumber first;
    HostNumber last;
};

std::optional<HostRange> usable_hosts(const Prefix& network) {
    const bool v4 = network.family() == Family::v4;
    if (host_bits(network) < (v4 ? 2U : 1U)) return std::nullopt;
    return HostRange{1, largest_host(network) - (v4 ? 1 : 0)};
}

std::optional<IpAddress> free_host(const Prefix& network, std::span<const Prefix> own, std::span<const Prefix> others,
                                   std::optional<HostNumber> wish) {
    const auto usable = usable_hosts(network);
    if (!usable) return std::nullopt;
    const Taken taken(network, own, others);
    if (wish && *wish >= usable->first && *wish <= usable->last && taken.first_free(*wish, *wish))
        return nth_host(network, *wish);
    HostNumber start = usable->first;
    for (const Prefix& prefix : own)
        if (network.contains(prefix.address())) start = std::max(start, host_of(network, prefix.address()));
    auto host = taken.first_free(start, usable->last);
    if (!host) host = taken.first_free(usable->first, start);
    return host ? std::optional(nth_host(network, *host)) : std::nullopt;
}

} // namespace

Result<std::vector<Prefix>> next_free_addresses(std::span<const Prefix> networks, std::span<const Prefix> own,
                                                std::span<const Prefix> taken) {
    std::vector<Prefix> found;
    std::optional<HostNumber> wish;
    for (const Family family : {Family::v4, Family::v6}) {
        std::string full;
        bool done = false;
        for (const Prefix& network : networks) {
            if (network.family() != family || done) continue;
            if (const auto address = free_host(network, own, taken, wish)) {
                found.emplace_back(*address, address->width());
                wish = host_of(network, *address);
                done = true;
            } else {
                full += (full.empty() ? "" : ", ") + network.to_string();
            }
        }
        if (!done && !full.empty()) return failed("no address is free in " + full);
    }
    if (found.empty()) return failed("there is no network to take an address from");
    return found;
}

Result<std::vector<Prefix>> next_free_addresses(const ServerConfig& config) {
    std::size_t count = 0;
    for (const ServerPeer& peer : config.peers) count += peer.addresses.size() + peer.allowed_ips.size();
    std::vector<Prefix> taken;
    taken.reserve(count);
    for (const ServerPeer& peer : config.peers) {
        taken.insert(taken.end(), peer.addresses.begin(), peer.addresses.end());
        taken.insert(taken.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
    }
    return next_free_addresses(config.networks, config.interface.addresses, taken);
}

} // namespace vpn::config
