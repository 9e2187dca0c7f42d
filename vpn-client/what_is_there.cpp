#include "vpn-client/what_is_there.hpp"

#include "vpn-client/connection_name.hpp"
#include "vpn-client/leak_lock.hpp"

#include <set>

namespace vpn::client {

Granted<std::string> named_or_only(const std::optional<std::string>& name) {
    if (name) {
        auto parsed = parse_connection_name(*name);
        if (!parsed) return tl::unexpected(std::move(parsed.error()));
        return parsed->name;
    }
    std::set<std::string> names = connections_with_files();
    if (auto nftables = system::Nftables::open())
        for (std::string& each : standing_locks(*nftables)) names.insert(std::move(each));
    if (names.empty()) return refuse(system::ExitCode::not_running, "nothing is connected");
    if (names.size() == 1) return *names.begin();
    std::string list;
    for (const std::string& each : names) list += (list.empty() ? "" : ", ") + each;
    return refuse(system::ExitCode::usage, "several are connected; say which: " + list);
}

} // namespace vpn::client
