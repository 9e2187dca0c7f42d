#include "vpn-client/interface.hpp"

#include "common/system/daemonise.hpp"
#include "common/system/directory_watch.hpp"
#include "common/system/event_loop.hpp"
#include "common/system/files.hpp"
#include "common/system/link.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/process.hpp"
#include "tun/uapi_conversation.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/stop_signal.hpp"
#include "vpn-client/uapi_device.hpp"
#include "vpn-client/walls.hpp"
#include "vpn-client/watch.hpp"

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using system::ExitCode;

constexpr const char* socket_directory = "/var/run/wireguard";
constexpr unsigned socket_directory_mode = 0755;
/// What every other implementation gives an interface in the beginning.
constexpr std::uint32_t initial_mtu = 1420;
constexpr unsigned first_descriptor_of_others = 3;

/// A predecessor of the same name may just be ending: it gets this long.
constexpr Duration between_attempts = 20ms;
constexpr int attempts = 100;

/// Tries again while `refused_for_now` says so of the error.
template <class Try, class RefusedForNow>
auto patiently(const StopSignal& stop, Try attempt_once, RefusedForNow refused_for_now) -> decltype(attempt_once()) {
    auto result = attempt_once();
    for (int attempt = 1; attempt < attempts && !result && refused_for_now(result.error()) && !stop.asked(); ++attempt) {
        std::this_thread::sleep_for(between_attempts);
        result = attempt_once();
    }
    return result;
}

Granted<tun::TunDevice> open_device(const std::string& name, const StopSignal& stop) {
    using Kind = tun::TunError::Kind;
    auto device = patiently(
        stop, [&] { return tun::TunDevice::open(name); }, [](const auto& error) { return error.kind == Kind::name_taken; });
    if (device) return std::move(*device);
    switch (device.error().kind) {
    case Kind::invalid_name: return refuse(ExitCode::usage, device.error().message);
    case Kind::not_allowed: return refuse(ExitCode::no_permission, device.error().message);
    default: return refuse(ExitCode::failure, device.error().message);
    }
}

Granted<system::UnixListener> listen(const std::string& path, const StopSignal& stop) {
    const auto taken = [](const auto& error) { return is_errno(error, EADDRINUSE); };
    auto listener = patiently(
        stop, [&] { return system::UnixListener::listen(path); }, taken);
    if (listener) return std::move(*listener);
    if (!taken(listener.error())) return refuse(ExitCode::failure, listener.error().message);
    return refuse(ExitCode::failure, path +
                                         " belongs to somebody who answers there: an interface of that name that was moved to " +
                                         "another network namespace, perhaps. Take another name, or end that one");
}

template <class T, class Error> Granted<T> granted(Result<T, Error> result) {
    if (!result) return refuse(ExitCode::failure, result.error().message);
    return std::move(*result);
}

/// The interface, its socket, and what ends them.
class Running {
  public:
    /// Of these, the socket is in the hands of others, so it goes first and comes last.
    struct Parts {
        UapiDevice::Parts device;
        system::DirectoryWatch directory;
        system::UnixListener listener;
    };

    static Granted<Parts> prepare(const std::string& name, const StopSignal& stop) {
        if (!system::has_net_admin())
            return refuse(ExitCode::no_permission, "only root (CAP_NET_ADMIN) can make interfaces: run it with sudo");
        auto netlink = granted(system::Netlink::open());
        if (!netlink) return tl::unexpected(std::move(netlink.error()));
        auto device = open_device(name, stop);
        if (!device) return tl::unexpected(std::move(device.error()));
        if (auto set = system::set_link_mtu(*netlink, device->index(), initial_mtu); !set)
            return refuse(ExitCode::failure, set.error().message);
        auto sockets = granted(tun::Sockets::open(Port{}, Mark{}));
        if (!sockets) return tl::unexpected(std::move(sockets.error()));
        if (auto there = system::ensure_directory(socket_directory, socket_directory_mode); !there)
            return refuse(ExitCode::failure, there.error().message);
        auto directory = granted(system::DirectoryWatch::open(socket_directory));
        if (!directory) return tl::unexpected(std::move(directory.error()));
        auto listener = listen(std::string(socket_directory) + '/' + name + ".sock", stop);
        if (!listener) return tl::unexpected(std::move(listener.error()));
        return Parts{{std::move(*device), std::move(*sockets), std::move(*netlink), initial_mtu},
                     std::move(*directory),
                     std::move(*listener)};
    }

    Running(std::string name, Parts parts, const StopSignal& stop, system::Logger log)
        : name_(std::move(name)), log_(std::move(log)), device_(loop_, std::move(parts.device), log_),
          directory_(std::move(parts.directory)), server_(loop_, std::move(parts.listener), [this] { return begin(); }),
          stop_watch_(loop_, stop.fd(), [this] { end("a signal"); }), directory_watch_(loop_, directory_.fd(), [this] {
              directory_.acknowledge();
              look_for_socket();
          }) {}

    void run() {
        look_for_socket(); // it may have gone before anybody watched
        while (why_.empty()) {
            events_.run_one();
            if (device_.gone()) end("the interface was removed");
        }
        log_.info("interface-ended", {{"interface", name_}, {"by", why_}});
    }

  private:
    std::unique_ptr<system::Conversation> begin() {
        return std::make_unique<tun::UapiConversation>(
            tun::UapiConversation::Handlers{[this] { return device_.get(); },
                                            [this](config::UapiSet set) { return device_.set(std::move(set)); }},
            log_);
    }
    void look_for_socket() {
        if (!server_.is_there()) end("the socket was removed");
    }
    void end(std::string_view why) {
        if (why_.empty()) why_ = why;
    }

    std::string name_;
    system::Logger log_;
    boost::asio::io_context loop_;
    system::EventLoop events_{loop_, log_};
    UapiDevice device_;
    system::DirectoryWatch directory_;
    system::StreamServer server_; ///< goes before the interface does
    Watch stop_watch_;
    Watch directory_watch_;
    std::string why_; ///< it ends; empty while it goes on
};

ExitCode run(const InterfaceCommand& command, system::LogLevel level, system::BackgroundChild* child) {
    const auto target = child == nullptr ? system::LogTarget::standard_error : system::LogTarget::syslog;
    const system::Logger log(level, target, "vpn-interface");
    const StopSignal stop;
    const auto unprotected = system::protect_memory();
    system::set_memory_aside();
    auto parts = Running::prepare(command.name, stop);
    if (!parts) return complain(parts.error());
    if (unprotected) log.warn("memory-unprotected", {{"why", *unprotected}});
    wall_in_interface(socket_directory, log);
    Running running(command.name, std::move(*parts), stop, log);
    log.info("interface-ready", {{"interface", command.name}});
    if (child != nullptr) child->detach(ExitCode::ok);
    running.run();
    return ExitCode::ok;
}

} // namespace

ExitCode make_interface(const InterfaceCommand& command, system::LogLevel level) {
    std::signal(SIGPIPE, SIG_IGN);
    if (command.foreground) return run(command, level, nullptr);
    ::close_range(first_descriptor_of_others, ~0U, 0); // what a script holds open is not ours to hold for days
    auto side = system::daemonise();                   // before there is a key in memory
    if (!side) return complain({ExitCode::failure, side.error().message, std::nullopt});
    if (const auto* parent = std::get_if<system::ParentResult>(&*side)) return static_cast<ExitCode>(parent->exit_code);
    return run(command, level, &std::get<system::BackgroundChild>(*side));
}

} // namespace vpn::client
