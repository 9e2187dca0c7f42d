// `run`: everything is looked at before anything is changed, and everything that was changed is put back at the end.
#include "common/crypto/system_random.hpp"
#include "common/system/event_loop.hpp"
#include "common/system/instance_lock.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/process.hpp"
#include "common/system/sandbox.hpp"
#include "common/system/service_manager.hpp"
#include "common/system/unfinished_file.hpp"
#include "common/system/watchdog.hpp"
#include "vpn-server/commands.hpp"
#include "vpn-server/daemon.hpp"
#include "vpn-server/paths.hpp"
#include "vpn-server/uapi_door.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vpn::server {
namespace {

namespace asio = boost::asio;
using config::ServerConfig;

CommandResult<void> check_permission() {
    if (system::has_net_admin()) return {};
    return refused(ExitCode::no_permission, "CAP_NET_ADMIN is missing: run as root");
}

CommandResult<void> make_directories() {
    if (auto made = system::ensure_directory(std::string(run_directory), 0700); !made) return refused(made.error());
    if (auto made = system::ensure_directory(std::string(state_directory), 0700); !made) return refused(made.error());
    return {};
}

CommandResult<tun::TunDevice> open_device(const config::ServerInterface& interface) {
    auto device = tun::TunDevice::open(interface.name, interface.offloads);
    if (device) return std::move(*device);
    const bool not_allowed = device.error().kind == tun::TunError::Kind::not_allowed;
    return refused(not_allowed ? ExitCode::no_permission : ExitCode::failure, device.error().message);
}

CommandResult<tun::Sockets> open_sockets(const config::ServerInterface& interface) {
    auto sockets = tun::Sockets::open(interface.listen_port, Mark{}, interface.offloads);
    if (sockets) return std::move(*sockets);
    if (!system::is_errno(sockets.error(), EADDRINUSE)) return refused(sockets.error());
    const std::string number = std::to_string(interface.listen_port.value);
    return refused(ExitCode::failure, "UDP port " + number + " is taken: `ss -ulpn sport = :" + number +
                                          "` shows by whom; or set another interface.listen_port");
}

/// The MTU that the tunnel gets, if it fits this machine at all.
CommandResult<std::uint16_t> look_around(const ServerConfig& config, const system::Logger& log) {
    auto netlink = system::Netlink::open();
    if (!netlink) return refused(netlink.error());
    const auto around = Surroundings::look(*netlink);
    if (!around) return refused(around.error());
    const std::string& name = config.interface.name;
    if (auto taken = conflict(*around, layout_of(config), name)) return refused(ExitCode::failure, std::move(*taken));
    if (config.nat.mode == config::Nat::Mode::interface && !system::find_link(*netlink, config.nat.interface))
        log.warn("no-nat-interface", {{"interface", config.nat.interface}});
    return tunnel_mtu(config, smallest_uplink_mtu(*around, name));
}

/// In this order: what can refuse without a trace first, and the rest goes away by itself if a later one fails.
CommandResult<DaemonParts> make_parts(ConfigFile file, ConfigFile::Content content, const system::Logger& log) {
    const ServerConfig& config = content.config;
    const auto mtu = look_around(config, log);
    if (!mtu) return tl::unexpected(mtu.error());
    auto sockets = open_sockets(config.interface);
    if (!sockets) return tl::unexpected(sockets.error());
    auto device = open_device(config.interface);
    if (!device) return tl::unexpected(device.error());
    auto network = LiveNetwork::set_up(config, device->index(), *mtu);
    if (!network) return refused(network.error());
    return DaemonParts{std::move(file), std::move(content), std::move(*network), std::move(*device), std::move(*sockets), *mtu};
}

/// The file, and every directory on the way to it.
bool is_ours(const std::filesystem::path& path) {
    struct stat status {};
    const bool ours = ::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid();
    return ours && (path == path.parent_path() || is_ours(path.parent_path()));
}

/// The files of keys that stand elsewhere than in the server's own.
std::set<std::filesystem::path> key_files(const ServerConfig& config) {
    std::set<std::filesystem::path> files{config.interface.private_key_file};
    if (const auto& old = config.interface.old_key) files.insert(old->private_key_file);
    for (const config::ServerPeer& peer : config.peers) files.insert({peer.public_key_file, peer.preshared_key_file});
    files.erase("");
    return files;
}

/// The directories where a file stands, by its name and in truth: a new one may take the place of either.
std::vector<std::string> places_of(const std::filesystem::path& file) {
    std::error_code none;
    return {file.parent_path(), std::filesystem::weakly_canonical(file, none).parent_path()};
}

/// What `reload` and `peer add` read and write.
system::FileAccess files_of(const std::filesystem::path& file, const std::set<std::filesystem::path>& keys) {
    std::set<std::string> read_too;
    for (const std::filesystem::path& key : keys)
        for (std::string& place : places_of(key)) read_too.insert(std::move(place));
    system::FileAccess files{system::read_by_daemons(), places_of(file), {}};
    files.readable.insert(files.readable.end(), read_too.begin(), read_too.end());
    for (const std::string_view own : {run_directory, state_directory, UapiDoor::directory, std::string_view("/proc/sys/net")})
        files.writable.emplace_back(own);
    return files;
}

/// Nothing else is needed once all stands. A file that somebody keeps at home is read and written again on `reload` and
/// `peer add`: then root has to stay more than an owner.
void give_up_privileges(const DaemonParts& parts, const system::Logger& log) {
    const std::filesystem::path file = std::filesystem::absolute(parts.file.path());
    const std::set<std::filesystem::path> keys = key_files(parts.content.config);
    const system::FileAccess files = files_of(file, keys);
    using enum system::Capability;
    const bool ours = is_ours(file) && std::ranges::all_of(keys, is_ours);
    const auto kept = ours ? system::shut_in({net_admin}, files, {}) : system::shut_in({net_admin, dac_override}, files, {});
    for (const std::string& why : kept) log.warn("privileges-kept", {{"reason", why}});
}

CommandResult<system::InstanceLock> be_the_only_one(const std::string& interface) {
    auto lock = system::InstanceLock::acquire(std::string(run_directory), instance_name(interface));
    if (!lock) return refused(lock.error());
    return std::move(*lock);
}

void log_start(const system::Logger& log, const DaemonParts& parts) {
    const ServerConfig& config = parts.content.config;
    log.info("running", {{"interface", config.interface.name},
                         {"port", config.interface.listen_port.value},
                         {"mtu", parts.mtu},
                         {"peers", config.peers.size()},
                         {"public_key", crypto::public_key_of(config.interface.private_key)}});
}

/// What those that were killed had begun to write, keys and all.
void remove_unfinished_files(const std::filesystem::path& file) {
    for (const std::string_view own : {run_directory, state_directory}) system::remove_unfinished(std::string(own));
    system::remove_unfinished(std::filesystem::absolute(file).parent_path(), file.filename().string());
}

/// Signals that end the loop, or have the file read again. One that comes before the loop runs waits for it.
class Signals {
  public:
    explicit Signals(asio::io_context& loop) : ending_(loop, SIGINT, SIGTERM, SIGQUIT), reloading_(loop, SIGHUP) {
        ending_.async_wait([&loop](const boost::system::error_code& error, int) {
            if (!error) loop.stop();
        });
    }
    void reload(Daemon& daemon) {
        reloading_.async_wait([this, &daemon](const boost::system::error_code& error, int) {
            if (error) return;
            reload(daemon);                     // the next one, first: whatever memory there is, it is heard
            static_cast<void>(daemon.reload()); // the log says what was wrong
        });
    }

  private:
    asio::signal_set ending_;
    asio::signal_set reloading_;
};

/// What a start needs, or why there is none. `interface` is what the lock was taken for.
CommandResult<DaemonParts> prepare(ConfigFile file, const std::string& interface, const system::Logger& log) {
    auto content = file.load_to_keep(); // again: now that no other command changes it
    if (!content) return tl::unexpected(std::move(content.error()));
    if (content->config.interface.name != interface)
        return refused(ExitCode::failure, file.path() + " changed while the server started: start it again");
    return make_parts(std::move(file), std::move(*content), log);
}

/// The rest of the file is let go: the keys of peers that are removed later must not outlive them here.
CommandResult<std::string> interface_of(const ConfigFile& file) {
    const auto content = file.load();
    if (!content) return tl::unexpected(content.error());
    return content->config.interface.name;
}

CommandResult<void> serve(const system::Logger& log, const ConfigFile& file, const std::string& interface) {
    const auto instance = be_the_only_one(interface);
    if (!instance) return tl::unexpected(instance.error());
    auto edit = EditLock::take(file.path()); // who changes the file meanwhile comes before us, or finds our socket
    if (!edit) return refused(edit.error());
    asio::io_context loop(1);
    Signals signals(loop);
    auto parts = prepare(file, interface, log);
    if (!parts) return tl::unexpected(std::move(parts.error()));
    auto listener = system::UnixListener::listen(socket_path(interface));
    if (!listener) return refused(listener.error());
    auto for_wg = UapiDoor::listen(interface);
    if (!for_wg) log.warn("no-socket-for-wg", {{"reason", for_wg.error().message}});

    give_up_privileges(*parts, log);
    crypto::SystemRandom random;
    log_start(log, *parts);
    Daemon daemon(loop, log, random, std::move(*parts));
    const system::ControlServer control(loop, std::move(*listener),
                                        [&daemon](std::string_view line) { return daemon.handle_line(line); });
    std::optional<UapiDoor> uapi;
    if (for_wg)
        uapi.emplace(loop, std::move(*for_wg),
                     tun::UapiConversation::Handlers{[&daemon] { return daemon.uapi_get(); },
                                                     [&daemon](config::UapiSet set) { return daemon.uapi_set(std::move(set)); }},
                     log);
    signals.reload(daemon);
    edit->release();
    system::tell_service_manager("READY=1\nSTATUS=running on " + interface);
    const system::Watchdog watchdog(loop);
    system::EventLoop(loop, log).run();
    system::tell_service_manager("STOPPING=1");
    if (daemon.interface_gone())
        return refused(ExitCode::failure, "the interface " + interface + " was removed by somebody: everything is put back");
    log.info("stopped", {{"interface", interface}});
    return {};
}

} // namespace

CommandResult<void> carry_out(const Run&, const CommonOptions& common) {
    const system::Logger log(common.log_level, system::LogTarget::standard_error, "vpn-server");
    system::keep_large_blocks_apart();
    system::set_memory_aside();
    if (const auto unprotected = system::protect_memory()) log.warn("memory-not-protected", {{"reason", *unprotected}});
    std::signal(SIGPIPE, SIG_IGN); // a log that nobody reads any more is no reason to leave things as they are
    const ConfigFile file(common.config_file);
    const auto interface = interface_of(file);
    if (!interface) return tl::unexpected(interface.error());
    if (auto permitted = check_permission(); !permitted) return permitted;
    if (auto made = make_directories(); !made) return made;
    remove_unfinished_files(file.path());
    return serve(log, file, *interface);
}

} // namespace vpn::server
