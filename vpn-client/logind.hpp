// logind's word that the machine goes to sleep and has woken (org.freedesktop.login1(5), PrepareForSleep), over the system's bus.
// Refuses to know: what is done then. Where there is no bus or no logind, there is nothing to hear, and nobody minds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace vpn::client {

/// A connection to the system's bus, of one thread.
class Logind {
  public:
    /// None if there is no bus.
    static std::optional<Logind> listen();
    Logind(Logind&&) noexcept;
    Logind& operator=(Logind&&) noexcept;
    ~Logind();

    /// Readable when there is something to handle.
    [[nodiscard]] int fd() const;
    enum class News : std::uint8_t { none, woke, bus_gone };
    News handle_events();

  private:
    struct Bus;
    explicit Logind(std::unique_ptr<Bus> bus);
    std::unique_ptr<Bus> bus_;
};

} // namespace vpn::client
