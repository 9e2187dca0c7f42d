#include "vpn-client/walls.hpp"

#include "common/system/command.hpp"
#include "common/system/sandbox.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/dns/resolv_conf_keeper.hpp"

#include <filesystem>
#include <string>

namespace vpn::client {
namespace {

using system::FileAccess;

/// Where /etc/resolv.conf is replaced. If it is a link, that is; what it leads to is only read.
constexpr auto resolver_directory = "/etc";
/// What a resolvconf and what it calls keep beside that: their own records, and the settings of caching name servers.
constexpr auto written_by_resolvconf = {"/run", "/var", "/tmp"};

/// What is written goes to streams that are open, or there.
constexpr auto nowhere = "/dev/null";

FileAccess files_of_daemons() {
    FileAccess files;
    files.readable = system::read_by_daemons();
    files.writable = {nowhere};
    return files;
}

void log_what_stays(const std::vector<std::string>& not_done, const system::Logger& log) {
    for (const std::string& why : not_done) log.warn("privileges-kept", {{"why", why}});
}

} // namespace

void wall_in_connection(const DnsPlan& dns, const system::Logger& log) {
    const bool tells_resolvconf = !dns.empty() && !system::find_program("resolvconf").empty();
    FileAccess files = files_of_daemons();
    for (const std::string_view own : {run_directory, state_directory}) files.writable.emplace_back(own);
    files.writable.emplace_back("/proc/sys/net");
    if (!dns.empty()) files.writable.emplace_back(resolver_directory);
    if (tells_resolvconf) {
        files.runnable = system::run_by_daemons();
        files.runnable.emplace_back(resolver_directory); // the scripts that resolvconf calls are settings
        files.writable.insert(files.writable.end(), written_by_resolvconf.begin(), written_by_resolvconf.end());
    }
    log_what_stays(system::shut_in({system::Capability::net_admin}, files, {.programs = tells_resolvconf}), log);
}

void wall_in_interface(const char* sockets, const system::Logger& log) {
    FileAccess files = files_of_daemons();
    files.writable.emplace_back(sockets);
    log_what_stays(system::shut_in({system::Capability::net_admin}, files, {}), log);
}

} // namespace vpn::client
