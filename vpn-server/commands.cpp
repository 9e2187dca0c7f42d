// The commands that only ask or tell.
#include "vpn-server/commands.hpp"

#include "vpn-server/config_file.hpp"
#include "vpn-server/door.hpp"
#include "vpn-server/firewall_exceptions.hpp"
#include "vpn-server/peer_store.hpp"
#include "vpn-server/status_text.hpp"
#include "vpn-server/surroundings.hpp"

#include "common/config/peer_limits.hpp"
#include "common/system/clocks.hpp"
#include "common/system/process.hpp"
#include "common/system/progress.hpp"
#include "common/system/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>

namespace vpn::server {
namespace {

using config::Json;

void print(const Json& document) { std::cout << config::format(document, config::Layout::pretty) << '\n'; }

bool in_colour() { return system::wants_colour(STDOUT_FILENO); }

std::string counted_peers(std::size_t count) { return std::to_string(count) + (count == 1 ? " peer" : " peers"); }

/// Asks the daemon, which must run.
Answer ask_daemon(const Request& request, const CommonOptions& common) {
    const system::Progress progress("asking the server");
    auto door = need_daemon(common.config_file);
    if (!door) return tl::unexpected(std::move(door.error()));
    return door->ask(request);
}

CommandResult<ConfigFile::Content> load(const CommonOptions& common) {
    const system::Progress progress("reading " + common.config_file);
    return ConfigFile(common.config_file).load();
}

CommandResult<PeerStore::Listing> list(const CommonOptions& common) {
    auto listing = PeerStore(common.config_file).list();
    if (listing && !listing->running) say("the server is not running: this is what " + common.config_file + " says");
    return listing;
}

/// What `run` would find in the way of peers' packets in the machine's other firewalls, and could not help.
Result<OtherFirewalls> look_for_obstacles(const config::ServerConfig& config) {
    auto netlink = system::Netlink::open();
    if (!netlink) return tl::unexpected(netlink.error());
    const auto around = Surroundings::look(*netlink);
    if (!around) return tl::unexpected(around.error());
    auto nftables = system::Nftables::open();
    if (!nftables) return tl::unexpected(nftables.error());
    auto tables = look_at_tables(*nftables, table_name(config.interface.name));
    LegacyTables legacy = look_at_legacy_tables();
    const std::string trouble = tables ? legacy.trouble : tables.error().message;
    if (!tables) tables.emplace();
    const Uplinks uplinks = uplinks_of(*around, config.interface.name);
    const std::vector<Exception> coming = plan_exceptions(config, uplinks, *tables);
    std::ranges::move(legacy.tables, std::back_inserter(*tables));
    return OtherFirewalls{.exceptions = {}, .obstacles = find_obstacles(config, uplinks, *tables, coming), .trouble = trouble};
}

} // namespace

void say(const std::string& message) { std::cerr << message << '\n'; }

CommandResult<void> carry_out(const Check&, const CommonOptions& common) {
    const auto content = load(common);
    if (!content) return tl::unexpected(content.error());
    std::cout << common.config_file << " is fine: " << counted_peers(content->config.peers.size()) << '\n';
    if (!system::has_net_admin()) return {}; // firewalls are not shown to everybody
    const auto looked = look_for_obstacles(content->config);
    const OtherFirewalls seen =
        looked ? *looked : OtherFirewalls{.exceptions = {}, .obstacles = {}, .trouble = looked.error().message};
    if (!seen.trouble.empty()) say("not all of the machine's firewalls could be looked at: " + seen.trouble);
    for (const Obstacle& obstacle : seen.obstacles)
        say(obstacle.firewall + " drops " + obstacle.traffic + " (" + obstacle.chain + "): run " + obstacle.command);
    return {};
}

CommandResult<void> carry_out(const Status& status, const CommonOptions& common) {
    const auto answer = ask_daemon(AskStatus{}, common);
    if (!answer) return tl::unexpected(answer.error());
    if (status.json) {
        print(*answer);
    } else {
        std::cout << status_text(*answer, in_colour());
    }
    return {};
}

CommandResult<void> carry_out(const Reload&, const CommonOptions& common) {
    const auto answer = ask_daemon(AskReload{}, common);
    if (!answer) return tl::unexpected(answer.error());
    std::cout << "reloaded: " << counted_peers(static_cast<std::size_t>(answer->integer_at("peers").value_or(0))) << '\n';
    return {};
}

CommandResult<void> carry_out(const PeerList& options, const CommonOptions& common) {
    const auto listing = list(common);
    if (!listing) return tl::unexpected(listing.error());
    if (!options.json) {
        std::cout << peers_text(listing->document, in_colour());
        return {};
    }
    const Json* peers = listing->document.find("peers");
    print(Json::object({{"version", 1}, {"peers", peers != nullptr ? *peers : Json::array()}}));
    return {};
}

CommandResult<void> carry_out(const PeerShow& show, const CommonOptions& common) {
    const auto listing = list(common);
    if (!listing) return tl::unexpected(listing.error());
    const Json* peer = find_peer(listing->document, show.name);
    if (peer == nullptr) return refused(no_such_peer(show.name));
    std::cout << peer_text(*peer);
    return {};
}

CommandResult<void> carry_out(const PeerReset& reset, const CommonOptions& common) {
    return PeerStore(common.config_file).reset({reset.name, reset.quota});
}

CommandResult<void> carry_out(const PeerRemove& remove, const CommonOptions& common) {
    return PeerStore(common.config_file).change(AskRemovePeer{remove.name});
}

CommandResult<void> carry_out(const PeerEnable& enable, const CommonOptions& common) {
    return PeerStore(common.config_file).change(AskEnablePeer{enable.name, enable.enabled});
}

CommandResult<void> carry_out(const PeerRename& rename, const CommonOptions& common) {
    return PeerStore(common.config_file).change(AskRenamePeer{rename.name, rename.new_name});
}

CommandResult<void> carry_out(const PeerLimit& limit, const CommonOptions& common) {
    AskLimitPeer ask{.name = limit.name,
                     .limits = {},
                     .set_expires = limit.expires.has_value(),
                     .set_quota = limit.quota.has_value(),
                     .set_rate = limit.rate.has_value()};
    if (!ask.set_expires && !ask.set_quota && !ask.set_rate)
        return refused(ExitCode::usage, "say which limit: --expires, --quota or --rate");
    if (limit.expires && limit.expires->value) {
        const auto expires = resolve(*limit.expires->value, system::now().wall);
        if (!expires) return tl::unexpected(expires.error());
        ask.limits.expires = *expires;
    }
    if (limit.quota) ask.limits.quota = limit.quota->value;
    if (limit.rate) ask.limits.rate = limit.rate->value;
    return PeerStore(common.config_file).change(ask);
}

CommandResult<Wall> resolve(const Expiry& expiry, Wall now) {
    const auto* then = std::get_if<Wall>(&expiry);
    const Wall end = then != nullptr ? *then : std::chrono::floor<std::chrono::seconds>(now + std::get<Duration>(expiry));
    if (end <= now) return refused(ExitCode::usage, "--expires " + config::format_instant(end) + " is over already");
    return end;
}

} // namespace vpn::server
