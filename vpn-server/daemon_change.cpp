// The daemon takes another configuration: as a whole, or not at all.
#include "common/system/clocks.hpp"
#include "common/system/memory_reserve.hpp"
#include "vpn-server/daemon.hpp"
#include "vpn-server/difference.hpp"
#include "vpn-server/server_key.hpp"

#include <new>

namespace vpn::server {
namespace {

using config::ServerConfig;
using config::ServerPeer;

/// What taking a configuration may need, all in all: copies of it, its text and tree, rules, and what becomes of its peers.
ByteCount memory_to_change(const ServerConfig& config) {
    constexpr std::uint64_t at_least = std::uint64_t{1} << 20U;
    constexpr std::uint64_t per_peer = 8192;
    constexpr std::uint64_t per_prefix = 512;
    std::uint64_t bytes = at_least;
    for (const ServerPeer& peer : config.peers)
        bytes += per_peer + per_prefix * (peer.addresses.size() + peer.allowed_ips.size());
    return ByteCount{bytes};
}

/// What memory does not suffice for is refused like anything else.
template <class Run> auto or_refused(Run run) -> decltype(run()) {
    try {
        return run();
    } catch (const std::bad_alloc&) {
        return refused(ExitCode::failure, std::string(out_of_memory));
    }
}

} // namespace

CommandResult<void> Daemon::reload() {
    auto reloaded = or_refused([this] { return take_file(); });
    if (!reloaded) log_.error("reload-refused", {{"reason", reloaded.error().message}});
    return reloaded;
}

CommandResult<void> Daemon::take_file() {
    auto content = file_.load_to_keep();
    if (!content) return tl::unexpected(std::move(content.error()));
    if (auto restart = needs_restart(config_, content->config)) return refused(ExitCode::failure, std::move(*restart));
    if (auto adopted = adopt(std::move(content->config)); !adopted) return adopted;
    on_disk_ = content->state;
    log_.info("reloaded", {{"peers", config_.peers.size()}});
    return {};
}

CommandResult<void> Daemon::change(ServerConfig wanted) {
    return or_refused([&] { return write_and_adopt(std::move(wanted)); });
}

CommandResult<void> Daemon::write_and_adopt(ServerConfig wanted) {
    system::require_memory({memory_to_change(config_).value + memory_to_change(wanted).value});
    if (auto ours = file_is_ours(); !ours) return ours;
    const auto saved = file_.save(wanted);
    if (!saved) return tl::unexpected(saved.error());
    if (auto adopted = or_refused([&] { return adopt(std::move(wanted)); }); !adopted) {
        put_back_file();
        return adopted;
    }
    on_disk_ = *saved;
    return {};
}

CommandResult<void> Daemon::add(ServerPeer peer) {
    return or_refused([&] { return write_and_add(std::move(peer)); });
}

CommandResult<void> Daemon::write_and_add(ServerPeer peer) {
    system::require_memory(memory_to_change(config_));
    if (auto ours = file_is_ours(); !ours) return ours;
    config_.peers.push_back(std::move(peer));
    const auto saved = or_refused([this] { return file_.save_one_more(config_, on_disk_); });
    if (!saved) {
        config_.peers.pop_back();
        return tl::unexpected(saved.error());
    }
    if (auto changed = change_network(config_); !changed) {
        config_.peers.pop_back();
        put_back_file();
        return changed;
    }
    on_disk_ = *saved;
    const ServerPeer& added = config_.peers.back();
    names_[added.public_key] = added.name;
    follow_usage(config_);
    engine_.set_peer(served(added, system::now().wall));
    look_at_expiries();
    return {};
}

/// What can't be put back is somebody else's from then on, which the next change says.
void Daemon::put_back_file() {
    if (const auto back = or_refused([this] { return file_.save(config_); })) on_disk_ = *back;
}

CommandResult<void> Daemon::file_is_ours() const {
    const auto ours = file_.is_still(on_disk_, config_);
    if (!ours) return tl::unexpected(ours.error());
    if (*ours) return {};
    return refused(ExitCode::failure, file_.path() + " changed on disk since the server read it: run `vpn-server reload` first");
}

CommandResult<void> Daemon::adopt(ServerConfig wanted) {
    // All of it at once: what follows changes one thing after the other.
    system::require_memory({memory_to_change(config_).value + memory_to_change(wanted).value});
    auto opened = metrics_door_.open(wanted.metrics);
    if (!opened) return refused(opened.error());
    if (auto changed = change_network(wanted); !changed) return changed;
    if (!(config_.interface == wanted.interface)) engine_.set_keys(own_keys(wanted.interface, system::now().wall));
    apply_peers(config_, wanted);
    metrics_door_.use(wanted.metrics, std::move(*opened));
    config_ = std::move(wanted);
    name_peers();
    look_at_expiries();
    await_old_keys_end();
    return {};
}

CommandResult<void> Daemon::change_network(const ServerConfig& wanted) {
    auto changed = or_refused([&]() -> CommandResult<void> {
        if (auto done = network_.change(wanted); !done) return refused(done.error());
        return {};
    });
    if (!changed) return changed;
    tell_firewalls();
    mtu_ = network_.mtu();
    engine_.set_mtu(mtu_);
    return {};
}

} // namespace vpn::server
