#include "vpn-client/dns/resolved.hpp"

#include "common/base/bytes.hpp"
#include "common/config/error.hpp"
#include "common/system/os_error.hpp"

#include <systemd/sd-bus.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <utility>

namespace vpn::client {
namespace {

constexpr auto service = "org.freedesktop.resolve1";
constexpr auto object = "/org/freedesktop/resolve1";
constexpr auto manager = "org.freedesktop.resolve1.Manager";
constexpr auto no_such_link = "org.freedesktop.resolve1.NoSuchLink";
constexpr std::uint64_t call_timeout = 2'000'000; // microseconds
constexpr std::chrono::milliseconds moment{250};  // handshakes wait meanwhile
constexpr auto owner_changed = "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                               "member='NameOwnerChanged',arg0='org.freedesktop.resolve1'";

struct FreeBus {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
struct FreeMessage {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using BusHandle = std::unique_ptr<sd_bus, FreeBus>;
using Message = std::unique_ptr<sd_bus_message, FreeMessage>;

/// Why a call was refused, in the other's words.
class Refusal {
  public:
    Refusal() = default;
    Refusal(const Refusal&) = delete;
    Refusal& operator=(const Refusal&) = delete;
    ~Refusal() { sd_bus_error_free(&error_); }

    sd_bus_error* out() { return &error_; }
    [[nodiscard]] bool is(const char* name) const { return sd_bus_error_has_name(&error_, name) > 0; }
    [[nodiscard]] std::string text(int code) const {
        return error_.message != nullptr ? config::printable(error_.message, 256) : system::errno_text(-code);
    }

  private:
    sd_bus_error error_{};
};

/// `(iiay)`: the link, the family, the bytes. None if that is not what comes.
std::optional<LinkServer> read_server(sd_bus_message* message) {
    int link = 0;
    int family = 0;
    const void* bytes = nullptr;
    std::size_t length = 0;
    if (sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "iiay") <= 0 ||
        sd_bus_message_read(message, "ii", &link, &family) < 0 || sd_bus_message_read_array(message, 'y', &bytes, &length) < 0 ||
        sd_bus_message_exit_container(message) < 0)
        return std::nullopt;
    ByteArray<16> address{};
    std::copy_n(static_cast<const std::byte*>(bytes), std::min(length, address.size()), address.begin());
    const auto index = static_cast<std::uint32_t>(link);
    if (family == AF_INET && length == 4) return LinkServer{IpAddress::v4(std::span(address).first<4>()), index};
    if (family == AF_INET6 && length == 16) return LinkServer{IpAddress::v6(address), index};
    return std::nullopt;
}

using Deadline = std::chrono::steady_clock::time_point;

/// In microseconds.
std::uint64_t left_until(Deadline end) {
    const auto left = std::chrono::ceil<std::chrono::microseconds>(end - std::chrono::steady_clock::now()).count();
    return left > 0 ? static_cast<std::uint64_t>(left) : 0;
}

/// Opening one only begins a talk with the bus, and whoever hangs there is waited for by every call.
bool is_ready_before(sd_bus* bus, Deadline end) {
    while (sd_bus_is_ready(bus) <= 0) {
        const int done = sd_bus_process(bus, nullptr);
        if (done < 0) return false;
        if (done > 0) continue;
        const std::uint64_t left = left_until(end);
        if (left == 0 || sd_bus_wait(bus, left) < 0) return false;
    }
    return left_until(end) > 0;
}

} // namespace

std::optional<std::vector<LinkServer>> ask_resolved_for_servers() {
    const Deadline end = std::chrono::steady_clock::now() + moment;
    sd_bus* opened = nullptr;
    if (sd_bus_open_system(&opened) < 0) return std::nullopt;
    const BusHandle bus(opened);
    if (!is_ready_before(opened, end)) return std::nullopt;
    sd_bus_message* made = nullptr;
    if (sd_bus_message_new_method_call(opened, &made, service, object, "org.freedesktop.DBus.Properties", "Get") < 0)
        return std::nullopt;
    const Message question(made);
    sd_bus_message_set_auto_start(made, 0);
    sd_bus_message* came = nullptr;
    if (sd_bus_message_append(made, "ss", manager, "DNS") < 0 ||
        sd_bus_call(opened, made, std::max<std::uint64_t>(left_until(end), 1), nullptr, &came) < 0)
        return std::nullopt;
    const Message answer(came);
    if (sd_bus_message_enter_container(came, SD_BUS_TYPE_VARIANT, "a(iiay)") < 0 ||
        sd_bus_message_enter_container(came, SD_BUS_TYPE_ARRAY, "(iiay)") < 0)
        return std::nullopt;
    std::vector<LinkServer> servers;
    while (auto server = read_server(came)) servers.push_back(*server);
    return servers;
}

struct Resolved::Bus {
    static int on_owner_changed(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
        const char* name = nullptr;
        const char* before = nullptr;
        const char* now = nullptr;
        if (sd_bus_message_read(message, "sss", &name, &before, &now) >= 0 && *now != '\0') static_cast<Bus*>(self)->came = true;
        return 0;
    }

    /// A call to the manager about one link, its other arguments still to be added.
    [[nodiscard]] Message call(const char* method, std::uint32_t interface) const {
        sd_bus_message* made = nullptr;
        if (sd_bus_message_new_method_call(handle.get(), &made, service, object, manager, method) < 0) return nullptr;
        Message message(made);
        if (sd_bus_message_append(made, "i", static_cast<int>(interface)) < 0) return nullptr;
        return message;
    }

    int send(const Message& message, Refusal& refusal) const {
        return message ? sd_bus_call(handle.get(), message.get(), call_timeout, refusal.out(), nullptr) : -ENOMEM;
    }

    int set_servers(std::uint32_t interface, const std::vector<IpAddress>& servers, Refusal& refusal) const;
    int set_domains(std::uint32_t interface, const DnsPlan& plan, Refusal& refusal) const;
    /// What only some versions know, and none needs to.
    void set_details(std::uint32_t interface, const DnsPlan& plan) const;
    void flush_caches() const { sd_bus_call_method(handle.get(), service, object, manager, "FlushCaches", nullptr, nullptr, ""); }

    BusHandle handle;
    bool came = false;
};

int Resolved::Bus::set_servers(std::uint32_t interface, const std::vector<IpAddress>& servers, Refusal& refusal) const {
    const Message message = call("SetLinkDNS", interface);
    if (!message) return -ENOMEM;
    sd_bus_message_open_container(message.get(), SD_BUS_TYPE_ARRAY, "(iay)");
    for (const IpAddress& server : servers) {
        const Bytes bytes = server.bytes();
        sd_bus_message_open_container(message.get(), SD_BUS_TYPE_STRUCT, "iay");
        sd_bus_message_append(message.get(), "i", server.is_v4() ? AF_INET : AF_INET6);
        sd_bus_message_append_array(message.get(), SD_BUS_TYPE_BYTE, bytes.data(), bytes.size());
        sd_bus_message_close_container(message.get());
    }
    sd_bus_message_close_container(message.get());
    return send(message, refusal);
}

int Resolved::Bus::set_domains(std::uint32_t interface, const DnsPlan& plan, Refusal& refusal) const {
    const Message message = call("SetLinkDomains", interface);
    if (!message) return -ENOMEM;
    const auto add = [&message](const std::string& domain, bool only_for_routing) {
        sd_bus_message_append(message.get(), "(sb)", domain.c_str(), static_cast<int>(only_for_routing));
    };
    sd_bus_message_open_container(message.get(), SD_BUS_TYPE_ARRAY, "(sb)");
    for (const std::string& domain : plan.search) add(domain, false);
    for (const std::string& domain : plan.routed) add(domain, true);
    if (plan.every_name) add(".", true);
    sd_bus_message_close_container(message.get());
    return send(message, refusal);
}

void Resolved::Bus::set_details(std::uint32_t interface, const DnsPlan& plan) const {
    Refusal ignored;
    const Message route = call("SetLinkDefaultRoute", interface);
    if (route) sd_bus_message_append(route.get(), "b", static_cast<int>(plan.every_name));
    static_cast<void>(send(route, ignored));
    for (const char* method : {"SetLinkLLMNR", "SetLinkMulticastDNS"}) { // nobody inside would hear a multicast
        Refusal again;
        const Message off = call(method, interface);
        if (off) sd_bus_message_append(off.get(), "s", "no");
        static_cast<void>(send(off, again));
    }
}

Resolved::Resolved(std::unique_ptr<Bus> bus) : bus_(std::move(bus)) {}
Resolved::Resolved(Resolved&&) noexcept = default;
Resolved& Resolved::operator=(Resolved&&) noexcept = default;
Resolved::~Resolved() = default;

std::optional<Resolved> Resolved::find(bool start_it) {
    sd_bus* opened = nullptr;
    if (sd_bus_open_system(&opened) < 0) return std::nullopt;
    auto bus = std::make_unique<Bus>();
    bus->handle.reset(opened);
    sd_bus_set_method_call_timeout(opened, call_timeout);
    if (sd_bus_add_match(opened, nullptr, owner_changed, &Bus::on_owner_changed, bus.get()) < 0) return std::nullopt;

    sd_bus_message* ping = nullptr;
    if (sd_bus_message_new_method_call(opened, &ping, service, object, "org.freedesktop.DBus.Peer", "Ping") < 0)
        return std::nullopt;
    const Message message(ping);
    sd_bus_message_set_auto_start(ping, static_cast<int>(start_it));
    Refusal refusal;
    if (bus->send(message, refusal) < 0) return std::nullopt;
    return Resolved(std::move(bus));
}

Result<void> Resolved::set_link(std::uint32_t interface, const DnsPlan& plan) {
    constexpr std::chrono::milliseconds pause{20};
    constexpr int attempts = 50;
    for (int attempt = 1;; ++attempt) {
        Refusal refusal;
        const int code = bus_->set_servers(interface, plan.servers, refusal);
        if (code >= 0) break;
        if (!refusal.is(no_such_link) || attempt == attempts)
            return failed("systemd-resolved does not take the name servers: " + refusal.text(code));
        std::this_thread::sleep_for(pause);
    }
    Refusal refusal;
    if (const int code = bus_->set_domains(interface, plan, refusal); code < 0)
        return failed("systemd-resolved does not take the domains: " + refusal.text(code));
    bus_->set_details(interface, plan);
    bus_->flush_caches();
    return {};
}

void Resolved::revert_link(std::uint32_t interface) {
    Refusal ignored;
    const Message message = bus_->call("RevertLink", interface);
    if (message) sd_bus_message_set_auto_start(message.get(), 0);
    static_cast<void>(bus_->send(message, ignored));
    bus_->flush_caches();
}

int Resolved::fd() const { return sd_bus_get_fd(bus_->handle.get()); }

Resolved::News Resolved::handle_events() {
    for (;;) {
        const int done = sd_bus_process(bus_->handle.get(), nullptr);
        if (done < 0) return News::bus_gone;
        if (done == 0) break;
    }
    return std::exchange(bus_->came, false) ? News::came : News::none;
}

} // namespace vpn::client
