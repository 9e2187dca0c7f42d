#include "vpn-client/disconnect.hpp"

#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/daemons.hpp"

#include <chrono>
#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

constexpr std::chrono::seconds patience{15};

Granted<std::string> the_only_one() {
    const std::vector<std::string> names = running_connections();
    if (names.empty()) return refuse(ExitCode::not_running, "nothing is connected");
    if (names.size() == 1) return names.front();
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return refuse(ExitCode::usage, "several are connected; say which: " + list);
}

Granted<std::string> chosen(const DisconnectCommand& command) {
    if (!command.name) return the_only_one();
    auto name = parse_connection_name(*command.name);
    if (!name) return tl::unexpected(std::move(name.error()));
    return name->name;
}

} // namespace

ExitCode disconnect(const DisconnectCommand& command) {
    const auto name = chosen(command);
    if (!name) return complain(name.error());
    if (const auto ended = end_connection(*name, patience); !ended)
        return complain({code_of(ended.error()), ended.error().message, std::nullopt});
    std::cout << "disconnected: " << *name << '\n';
    return ExitCode::ok;
}

} // namespace vpn::client
