#include "vpn-client/doctor/look_around.hpp"

#include "common/system/directory.hpp"
#include "common/system/files.hpp"
#include "common/system/resolver.hpp"
#include "common/system/sysctl.hpp"
#include "tun/timestamp_store.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/dns/dns_journal.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/network_plan.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

namespace vpn::client::checks {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Duration longest_lookup = 5s;
constexpr ByteCount largest_settings{1U << 20U};
/// TAI64's label of 1970 (crypto/tai64n).
constexpr std::uint64_t epoch_of_1970 = (1ULL << 62U) + 10;

std::string text_of(const fs::path& file) { return system::read_file(file.string(), largest_settings).value_or(""); }

bool has_line(const std::string& text, std::string_view wanted) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line == wanted) return true;
    return false;
}

/// 90-vpn.rules marks these for 10-vpn.network.
bool is_marked(const std::string& interface) {
    std::error_code none;
    return fs::exists("/etc/vpn/" + interface + ".json", none) || fs::exists("/etc/vpn/" + interface + ".conf", none);
}

/// What a .network file means to do with an interface.
enum class Claim : std::uint8_t { none, manages, leaves_alone };

Claim claim_of(const std::string& text, const std::string& interface) {
    bool matches = false;
    bool unmanaged = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        unmanaged = unmanaged || line.starts_with("Unmanaged=y") || line.starts_with("Unmanaged=t") || line == "Unmanaged=1";
        matches = matches || (line == "Property=VPN_INTERFACE=1" && is_marked(interface));
        if (!line.starts_with("Name=")) continue;
        std::istringstream patterns(line.substr(5));
        for (std::string pattern; patterns >> pattern;)
            matches = matches || ::fnmatch(pattern.c_str(), interface.c_str(), 0) == 0;
    }
    if (!matches) return Claim::none;
    return unmanaged ? Claim::leaves_alone : Claim::manages;
}

/// In the order in which networkd takes them: the first file that matches counts, of all directories by their names.
std::string claiming_network_file(const std::string& interface) {
    std::vector<fs::path> files;
    for (const char* directory : {"/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network"})
        for (const fs::path& path : system::paths_in(directory))
            if (path.extension() == ".network") files.push_back(path);
    std::ranges::sort(files, {}, [](const fs::path& file) { return file.filename(); });
    for (const fs::path& file : files)
        if (const Claim claim = claim_of(text_of(file), interface); claim != Claim::none)
            return claim == Claim::manages ? file.string() : std::string();
    return {};
}

/// Zero: there is no such interface.
Manager network_manager(std::uint32_t index) {
    Manager manager{.program = "NetworkManager", .runs = fs::exists("/run/NetworkManager"), .manages = {}, .claimed_by = {}};
    if (index == 0) return manager;
    const std::string state = text_of("/run/NetworkManager/devices/" + std::to_string(index));
    if (has_line(state, "managed=true")) manager.manages = true;
    if (has_line(state, "managed=false")) manager.manages = false;
    return manager;
}

Manager networkd(std::uint32_t index, const std::string& interface) {
    Manager manager{.program = "networkd", .runs = fs::exists("/run/systemd/netif/links"), .manages = {}, .claimed_by = {}};
    manager.claimed_by = manager.runs ? claiming_network_file(interface) : "";
    const std::string state = index != 0 ? text_of("/run/systemd/netif/links/" + std::to_string(index)) : "";
    if (state.find("ADMIN_STATE=") != std::string::npos)
        manager.manages = !has_line(state, "ADMIN_STATE=unmanaged") && !has_line(state, "ADMIN_STATE=linger");
    return manager;
}

int number_in(const std::string& path) {
    const std::string text = system::read_sysctl(path).value_or("0");
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool takes(const config::ClientConfig& config, const IpAddress& address) {
    return std::ranges::any_of(all_allowed_ips(config), [&address](const Prefix& prefix) { return prefix.contains(address); });
}

/// `10.66.0.1` of 10.66.0.2/32, by the habit of `vpn-server init`: the network's first address is the server's.
IpAddress likely_server(const IpAddress& inside) {
    const IpAddress network = inside.masked(inside.is_v4() ? 24 : 64);
    ByteArray<16> bytes{};
    std::ranges::copy(network.bytes(), bytes.begin());
    bytes.at(inside.is_v4() ? 3 : 15) = std::byte{1};
    return inside.is_v4() ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
}

template <class T> std::vector<T> or_none(system::OsResult<std::vector<T>> list) {
    return list ? std::move(*list) : std::vector<T>();
}

} // namespace

std::vector<Journal> running_journals() {
    const std::vector<std::string> running = running_connections();
    std::vector<Journal> journals = read_journals();
    std::erase_if(journals, [&](const Journal& each) { return std::ranges::find(running, each.name) == running.end(); });
    return journals;
}

Leftovers look_for_leftovers(system::Netlink& netlink, system::Nftables& nftables) {
    const std::vector<std::string> running = running_connections();
    const auto runs = [&running](const std::string& name) { return std::ranges::find(running, name) != running.end(); };
    Leftovers facts;
    for (const Journal& journal : read_journals())
        if (!runs(journal.name)) facts.crashed.push_back(journal.name);
    for (const DnsJournal& journal : read_dns_journals())
        if (!runs(journal.name)) facts.dns.push_back(journal.name);
    for (const std::string& name : standing_locks(nftables))
        if (!runs(name)) facts.idle_locks.push_back(name);
    facts.running = running_journals();
    facts.rules = or_none(system::list_rules(netlink));
    return facts;
}

NetworkView look_at_network(system::Netlink& netlink) {
    NetworkView view;
    view.links = or_none(system::list_links(netlink));
    view.addresses = or_none(system::list_addresses(netlink));
    view.routes = or_none(system::list_routes(netlink));
    view.rules = or_none(system::list_rules(netlink));
    for (const std::string& name : running_connections())
        if (const auto report = ask_for_report(name)) view.ours.push_back(report->interface);
    return view;
}

std::vector<Manager> look_for_managers(system::Netlink& netlink, const std::string& interface) {
    const auto link = system::find_link(netlink, interface);
    const std::uint32_t index = link ? link->index : 0;
    return {network_manager(index), networkd(index, interface)};
}

std::optional<Wall> last_greeting(const ConnectionFile& file) {
    const auto all = tun::TimestampStore(timestamps_path(file.origin.name)).load();
    if (!all) return std::nullopt;
    const auto found = std::ranges::find(*all, main_peer(file.config).public_key, &protocol::Timestamps::peer);
    if (found == all->end()) return std::nullopt;
    const auto label = load_be<std::uint64_t>(found->sent.bytes.data());
    if (label < epoch_of_1970) return std::nullopt;
    return Wall(std::chrono::seconds(label - epoch_of_1970));
}

std::vector<NameFacts> look_up(const std::vector<config::HostPort>& servers) {
    std::vector<NameFacts> facts;
    std::vector<system::Wanted> names;
    for (const config::HostPort& server : servers) {
        facts.emplace_back().host = server.host;
        if (const auto literal = server.literal()) {
            facts.back().is_address = true;
            facts.back().found = {literal->address};
        } else {
            names.push_back({server.host, server.port});
        }
    }
    const auto answers = system::resolve_all(names, longest_lookup);
    auto resolved = answers.begin();
    for (NameFacts& each : facts) {
        if (each.is_address) continue;
        if (!*resolved) each.trouble = resolved->error().message;
        if (*resolved)
            for (const Endpoint& endpoint : **resolved) each.found.push_back(endpoint.address);
        ++resolved;
    }
    return facts;
}

std::optional<system::Link> outer_link(system::Netlink& netlink, const IpAddress& address) {
    const auto route = system::route_to(netlink, address, outer_mark);
    const auto link = route ? system::find_link(netlink, route->interface) : tl::unexpected(route.error());
    return link ? std::optional(*link) : std::nullopt;
}

std::string way_to(system::Netlink& netlink, const IpAddress& address) {
    const auto route = system::route_to(netlink, address, Mark{});
    const bool leaves = route && (route->kind == system::RouteKind::unicast || route->kind == system::RouteKind::local);
    const auto link = leaves ? system::find_link(netlink, route->interface) : system::OsResult<system::Link>();
    return leaves && link ? link->name : std::string();
}

ReversePath look_at_reverse_path(const std::string& outer_interface, const Journal* journal) {
    ReversePath facts;
    facts.interface = outer_interface;
    facts.filter =
        std::max(number_in("net/ipv4/conf/all/rp_filter"), number_in("net/ipv4/conf/" + outer_interface + "/rp_filter"));
    facts.valid_mark = number_in("net/ipv4/conf/all/src_valid_mark") == 1 ||
                       number_in("net/ipv4/conf/" + outer_interface + "/src_valid_mark") == 1;
    facts.rules_stand =
        journal != nullptr && std::ranges::find(journal->rule_families, Family::v4) != journal->rule_families.end();
    return facts;
}

std::vector<Asked> whom_to_ask(const config::ClientConfig& config) {
    std::vector<Asked> asked;
    if (config.interface.probe) asked.push_back({.address = *config.interface.probe});
    for (const IpAddress& server : config.interface.dns)
        if (takes(config, server)) asked.push_back({.address = server, .dns = true});
    for (const Prefix& inside : config.interface.addresses) {
        const bool named =
            std::ranges::any_of(asked, [&inside](const Asked& each) { return each.address.family() == inside.family(); });
        const IpAddress server = likely_server(inside.address());
        if (!named && takes(config, server) && server != inside.address()) asked.push_back({.address = server, .guessed = true});
    }
    return asked;
}

std::vector<IpAddress> resolvers_of_machine() {
    std::vector<IpAddress> resolvers;
    std::istringstream lines(text_of("/etc/resolv.conf"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        std::string address;
        if (!(words >> word >> address) || word != "nameserver") continue;
        if (const auto parsed = IpAddress::parse(address.substr(0, address.find('%')))) resolvers.push_back(*parsed);
    }
    return resolvers;
}

} // namespace vpn::client::checks
