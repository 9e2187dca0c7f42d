#include "vpn-client/dns/present_resolvers.hpp"

#include "common/system/files.hpp"
#include "common/system/link.hpp"
#include "vpn-client/dns/resolv_conf.hpp"
#include "vpn-client/dns/resolv_conf_keeper.hpp"
#include "vpn-client/dns/resolved.hpp"
#include "vpn-client/dns/resolver_choice.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace vpn::client {
namespace {

namespace fs = std::filesystem;

/// Where systemd-resolved lists the servers that it asks itself.
constexpr auto servers_of_resolved = "/run/systemd/resolve/resolv.conf";
/// Of openresolv and of Debian's resolvconf: what they were told, a file each.
constexpr std::array records_of_resolvconf{"/run/resolvconf/interfaces", "/run/resolvconf/interface"};
/// Nobody tells a machine's name servers more.
constexpr ByteCount largest_text{1U << 16U};

std::string text_at(const fs::path& path) { return system::read_file(path.string(), largest_text).value_or(""); }

/// Where a link leads from where it stood, all others on the way followed.
fs::path target_of(const SavedFile& link) {
    std::error_code none;
    return fs::weakly_canonical(fs::path(resolv_conf_path).parent_path() / link.content, none);
}

std::string text_of(const SavedFile& file) {
    switch (file.kind) {
    case SavedFile::Kind::nothing: return {};
    case SavedFile::Kind::file: return file.content;
    case SavedFile::Kind::link: return text_at(target_of(file));
    }
    return {};
}

/// What programs would read, were it not for our connections.
struct Readable {
    ResolvConf conf;
    /// systemd-resolved lists there the servers of all links, a tunnel's too.
    bool lists_links = false;
};

Readable conf_beneath_ours(const std::vector<DnsJournal>& journals) {
    auto found = save_file(resolv_conf_path);
    if (!found) return {parse_resolv_conf(text_at(resolv_conf_path)), false};
    const Beneath beneath = beneath_ours(std::move(*found), journals);
    const bool is_list = beneath.file.kind == SavedFile::Kind::link && target_of(beneath.file) == servers_of_resolved;
    return {parse_resolv_conf(text_of(beneath.file) + beneath.added), is_list};
}

/// What resolvconf was told by others, the last word first: the network that it is of is the present one.
std::vector<ResolvConf::Server> told_to_resolvconf() {
    struct Record {
        fs::file_time_type written;
        fs::path path;
    };
    std::vector<Record> records;
    std::error_code none;
    for (const char* const directory : records_of_resolvconf) {
        std::error_code error;
        for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
            if (!is_record_of_vpn(it->path().filename().native())) records.push_back({it->last_write_time(none), it->path()});
    }
    std::ranges::stable_sort(records, std::ranges::greater(), &Record::written);
    std::vector<ResolvConf::Server> servers;
    for (const Record& each : records)
        for (const ResolvConf::Server& server : parse_resolv_conf(text_at(each.path)).servers) servers.push_back(server);
    return servers;
}

/// Whom our texts name, whatever they cover.
std::vector<IpAddress> named_by_ours(const std::vector<DnsJournal>& journals) {
    std::vector<IpAddress> servers;
    for (const DnsJournal& journal : journals)
        if (journal.file)
            for (const auto& server : parse_resolv_conf(journal.file->text).servers) servers.push_back(server.address);
    return servers;
}

std::vector<Resolver> known_to_resolved(const std::vector<system::Link>& links, const std::vector<DnsJournal>& journals) {
    if (const auto servers = ask_resolved_for_servers()) {
        std::vector<std::uint32_t> outside;
        for (const system::Link& link : links)
            if (link.up && link.running && !link.loopback && !is_tunnel(link)) outside.push_back(link.index);
        return servers_of_links(*servers, outside, named_by_ours(journals));
    }
    // Its list says of nobody which link he belongs to.
    if (std::ranges::any_of(links, is_tunnel)) return {};
    return reachable_by(links, parse_resolv_conf(text_at(servers_of_resolved)).servers);
}

} // namespace

std::vector<Resolver> resolvers_of_machine(system::Netlink& netlink) {
    const std::vector<DnsJournal> journals = read_dns_journals();
    Readable found = conf_beneath_ours(journals);
    const auto told_it = [](const DnsJournal& journal) { return !journal.record.empty(); };
    // What it made of what it was told has our servers in it, even where nobody else has told it any.
    if (std::ranges::any_of(journals, told_it)) found.conf.servers = told_to_resolvconf();
    const std::vector<system::Link> links = system::list_links(netlink).value_or(std::vector<system::Link>());
    const bool by_resolved = found.lists_links || asks_resolved(found.conf);
    return by_resolved ? known_to_resolved(links, journals) : reachable_by(links, found.conf.servers);
}

std::vector<std::string> resolver_directories() {
    std::error_code none;
    return {fs::path(resolv_conf_path).parent_path(), fs::path(servers_of_resolved).parent_path(), "/run/NetworkManager",
            "/run/resolvconf", fs::weakly_canonical(resolv_conf_path, none).parent_path()};
}

std::vector<std::string> resolver_record_directories() { return {records_of_resolvconf.begin(), records_of_resolvconf.end()}; }

} // namespace vpn::client
