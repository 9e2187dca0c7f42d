#include "vpn-client/logind.hpp"

#include <systemd/sd-bus.h>

#include <utility>

namespace vpn::client {
namespace {

constexpr auto signal_of_sleep = "type='signal',sender='org.freedesktop.login1',path='/org/freedesktop/login1',"
                                 "interface='org.freedesktop.login1.Manager',member='PrepareForSleep'";

struct FreeBus {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};

} // namespace

struct Logind::Bus {
    static int on_sleep(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
        int begins = 1;
        if (sd_bus_message_read(message, "b", &begins) >= 0 && begins == 0) static_cast<Bus*>(self)->woke = true;
        return 0;
    }

    std::unique_ptr<sd_bus, FreeBus> handle;
    bool woke = false;
};

Logind::Logind(std::unique_ptr<Bus> bus) : bus_(std::move(bus)) {}
Logind::Logind(Logind&&) noexcept = default;
Logind& Logind::operator=(Logind&&) noexcept = default;
Logind::~Logind() = default;

std::optional<Logind> Logind::listen() {
    sd_bus* opened = nullptr;
    if (sd_bus_open_system(&opened) < 0) return std::nullopt;
    auto bus = std::make_unique<Bus>();
    bus->handle.reset(opened);
    if (sd_bus_add_match(opened, nullptr, signal_of_sleep, &Bus::on_sleep, bus.get()) < 0) return std::nullopt;
    return Logind(std::move(bus));
}

int Logind::fd() const { return sd_bus_get_fd(bus_->handle.get()); }

Logind::News Logind::handle_events() {
    for (;;) {
        const int done = sd_bus_process(bus_->handle.get(), nullptr);
        if (done < 0) return News::bus_gone;
        if (done == 0) break;
    }
    return std::exchange(bus_->woke, false) ? News::woke : News::none;
}

} // namespace vpn::client
