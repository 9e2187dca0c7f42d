#include "vpn-client/network.hpp"

#include "common/system/link.hpp"
#include "common/system/sysctl.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {
namespace {

constexpr std::string_view valid_mark_path = "net/ipv4/conf/all/src_valid_mark";
/// A burst of packets waits this long at most; wireguard-go's and the kernel's own default for TUN is twice that.
constexpr std::uint32_t queue_length = 256;

Journal journal_of(std::string_view connection, const NetworkPlan& plan) {
    Journal journal;
    journal.name = connection;
    journal.firewall_table = plan.firewall_table;
    for (const system::Rule& rule : plan.rules)
        if (rule.table != system::main_table) journal.rule_families.push_back(rule.family);
    if (!plan.rules.empty()) journal.slot = plan.rules.front().priority / 2 - priority_of(0) / 2;
    return journal;
}

/// What it was before the first of ours changed it; empty if there is nothing to put back.
std::string valid_mark_before(const std::vector<Journal>& running) {
    for (const Journal& journal : running)
        if (!journal.valid_mark_before.empty()) return journal.valid_mark_before;
    const std::string now = system::read_sysctl(valid_mark_path).value_or("");
    return now == "1" ? "" : now;
}

template <class T> Result<void> as_result(const system::OsResult<T>& done) {
    if (!done) return failed(done.error().message);
    return {};
}

} // namespace

void give_back_valid_mark(const Journal& journal, const std::vector<Journal>& others) {
    const auto needs_it = [&journal](const Journal& other) {
        return other.name != journal.name && !other.valid_mark_before.empty();
    };
    if (journal.valid_mark_before.empty() || std::ranges::any_of(others, needs_it)) return;
    static_cast<void>(system::write_sysctl(valid_mark_path, journal.valid_mark_before));
}

/// In the order in which they are put up; they go in the opposite one.
struct Network::Parts {
    Parts(system::Netlink the_netlink, system::Nftables the_nftables, const NetworkPlan& the_plan)
        : netlink(std::move(the_netlink)), nftables(std::move(the_nftables)), plan(the_plan) {}
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    ~Parts() {
        remove_rules();
        if (journal.name.empty()) return;
        firewall.reset();
        give_back_valid_mark(journal, read_journals());
        remove_journal(journal.name);
        give_back_valid_mark(journal, read_journals()); // two that end at once see each other before, and not now
    }

    Result<void> set_up_link();
    Result<void> add_addresses();
    Result<void> add_rules();
    Result<void> narrow_routes(std::uint32_t mtu);
    void remove_rules();
    void remove_routes();
    Result<void> add_routes();
    Result<void> note_firewall();
    Result<void> put_up(std::string_view connection, const std::vector<Journal>& running);
    Result<void> put_up_apart();

    system::Netlink netlink;
    system::Nftables nftables;
    const NetworkPlan plan;
    Journal journal; ///< named once it is on disk
    std::optional<system::ScopedTable> firewall;
    std::string firewall_shape; ///< as it was put up; empty: there is none
    std::string segment_commands;
    std::vector<system::ScopedAddress> addresses;
    std::optional<system::ScopedRoutes> routes;
    std::uint32_t routes_mtu = 0; ///< zero: the interface's
    std::vector<system::ScopedRule> rules;
    bool aside = false;
};

Result<void> Network::Parts::set_up_link() {
    if (auto set = system::set_link_mtu(netlink, plan.interface, plan.mtu); !set) return as_result(set);
    if (auto set = system::set_link_queue_length(netlink, plan.interface, queue_length); !set) return as_result(set);
    // No link-local address of the kernel's making: nobody at the other end would route it.
    if (const auto link = system::find_link(netlink, plan.interface))
        static_cast<void>(system::write_sysctl("net/ipv6/conf/" + link->name + "/addr_gen_mode", "1"));
    return as_result(system::set_link_up(netlink, plan.interface));
}

Result<void> Network::Parts::add_addresses() {
    for (const auto& address : plan.addresses) {
        auto added = system::ScopedAddress::add(netlink, address);
        if (!added) return as_result(added);
        addresses.push_back(std::move(*added));
    }
    return {};
}

Result<void> Network::Parts::add_routes() {
    auto routed = system::ScopedRoutes::add(netlink, plan.routes);
    if (!routed) return as_result(routed);
    routes = std::move(*routed);
    return {};
}

Result<void> Network::Parts::add_rules() {
    for (const system::Rule& rule : plan.rules) {
        auto added = system::ScopedRule::add(netlink, rule);
        if (!added) return as_result(added);
        rules.push_back(std::move(*added));
    }
    return {};
}

Result<void> Network::Parts::narrow_routes(std::uint32_t mtu) {
    if (mtu == routes_mtu) return {};
    routes_mtu = mtu;
    if (aside) return {}; // there are none now
    return as_result(system::set_routes_mtu(netlink, plan.routes, mtu));
}

/// The last first. What memory does not suffice for throws here, and not in the end of a rule, where nothing may.
void Network::Parts::remove_rules() {
    for (; !rules.empty(); rules.pop_back()) static_cast<void>(rules.back().revert());
}

void Network::Parts::remove_routes() {
    if (routes) static_cast<void>(routes->revert());
    routes.reset();
}

Result<void> Network::Parts::note_firewall() {
    auto shape = nftables.shape_of("inet", plan.firewall_table);
    if (!shape) return tl::unexpected(shape.error());
    firewall_shape = std::move(*shape);
    return {};
}

Result<void> Network::Parts::put_up(std::string_view connection, const std::vector<Journal>& running) {
    Journal intent = journal_of(connection, plan);
    if (plan.needs_valid_mark) intent.valid_mark_before = valid_mark_before(running);
    if (auto written = write_journal(intent); !written) return written;
    journal = std::move(intent);
    auto table = system::ScopedTable::apply(nftables, "inet", plan.firewall_table, plan.firewall_commands);
    if (!table) return failed(table.error().message);
    firewall = std::move(*table);
    if (auto noted = note_firewall(); !noted) return noted;
    if (auto added = add_addresses(); !added) return added;
    if (auto set = set_up_link(); !set) return set;
    if (auto added = add_routes(); !added) return added;
    if (!journal.valid_mark_before.empty())
        if (auto set = system::write_sysctl(valid_mark_path, "1"); !set) return as_result(set);
    return add_rules();
}

Result<void> Network::Parts::put_up_apart() {
    const auto loopback = system::find_link(netlink, "lo");
    if (!loopback) return as_result(loopback);
    if (auto set = system::set_link_up(netlink, loopback->index); !set) return as_result(set);
    if (auto added = add_addresses(); !added) return added;
    if (auto set = set_up_link(); !set) return set;
    return add_routes();
}

Network::Network(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Result<Network> Network::apply(system::Netlink netlink, system::Nftables nftables, std::string_view connection,
                               const NetworkPlan& plan, const std::vector<Journal>& running) {
    auto parts = std::make_unique<Parts>(std::move(netlink), std::move(nftables), plan);
    if (auto done = parts->put_up(connection, running); !done) return tl::unexpected(done.error());
    return Network(std::move(parts));
}

Result<void> Network::set_mtu(std::uint32_t mtu, std::uint32_t routes_mtu, std::string_view firewall_commands) {
    if (auto set = system::set_link_mtu(parts_->netlink, parts_->plan.interface, mtu); !set) return as_result(set);
    if (auto set = parts_->narrow_routes(routes_mtu); !set) return set;
    if (parts_->firewall_shape.empty()) return {};
    parts_->segment_commands = firewall_commands;
    if (auto applied = parts_->nftables.apply(firewall_commands); !applied) return applied;
    return parts_->note_firewall();
}

Result<bool> Network::restore_firewall() {
    if (parts_->firewall_shape.empty()) return false;
    const auto shape = parts_->nftables.shape_of("inet", parts_->plan.firewall_table);
    if (shape && *shape == parts_->firewall_shape) return false;
    for (const std::string& commands : {parts_->plan.firewall_commands, parts_->segment_commands})
        if (auto applied = commands.empty() ? Result<void>() : parts_->nftables.apply(commands); !applied)
            return tl::unexpected(applied.error());
    if (auto noted = parts_->note_firewall(); !noted) return tl::unexpected(noted.error());
    return true;
}

Result<Network> Network::apply_apart(system::Netlink netlink, system::Nftables nftables, const NetworkPlan& plan) {
    auto parts = std::make_unique<Parts>(std::move(netlink), std::move(nftables), plan);
    if (auto done = parts->put_up_apart(); !done) return tl::unexpected(done.error());
    return Network(std::move(parts));
}

void Network::step_aside() {
    if (std::exchange(parts_->aside, true)) return;
    parts_->remove_rules();
    parts_->remove_routes();
}

Result<void> Network::step_back() {
    if (!parts_->aside) return {};
    // Whoever deletes the interface's address meanwhile takes routes with it, or leaves some, and so does a step that failed
    // half-way: what is there is taken first.
    parts_->remove_rules();
    parts_->remove_routes();
    for (const auto& rule : parts_->plan.rules) static_cast<void>(system::delete_rule(parts_->netlink, rule));
    static_cast<void>(system::delete_routes(parts_->netlink, parts_->plan.routes));
    if (auto added = parts_->add_routes(); !added) return added;
    if (parts_->routes_mtu != 0)
        if (auto set = system::set_routes_mtu(parts_->netlink, parts_->plan.routes, parts_->routes_mtu); !set)
            return as_result(set);
    if (auto added = parts_->add_rules(); !added) return added;
    parts_->aside = false; // last: until then it can be tried again
    return {};
}

void Network::repair() {
    for (const auto& address : parts_->plan.addresses) static_cast<void>(system::add_address(parts_->netlink, address));
    if (parts_->aside) return; // the routes come with the end of it
    for (const auto& route : parts_->plan.routes) static_cast<void>(system::add_route(parts_->netlink, route));
    static_cast<void>(parts_->narrow_routes(std::exchange(parts_->routes_mtu, 0)));
}

} // namespace vpn::client
