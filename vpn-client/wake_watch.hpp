// Notices that time has passed without us: the machine slept (the kernel's word, and logind's where it is there), or somebody
// stopped this process and let it go on. One thread: the event loop's. Refuses to know: what is to be done then.
// THREATS, "suspend of any length".
#pragma once

#include "common/system/wake_timer.hpp"
#include "vpn-client/logind.hpp"
#include "vpn-client/watch.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace vpn::client {

class WakeWatch {
  public:
    /// `woke` is told by whose word; several may tell of one waking.
    WakeWatch(boost::asio::io_context& loop, std::function<void(std::string_view)> woke);
    ~WakeWatch();
    WakeWatch(const WakeWatch&) = delete;
    WakeWatch& operator=(const WakeWatch&) = delete;

  private:
    class Continued;
    void hear_logind();

    std::function<void(std::string_view)> woke_;
    system::WakeTimer timer_;
    std::optional<Logind> logind_;
    std::unique_ptr<Continued> continued_;
    Watch timer_watch_;
    std::optional<Watch> logind_watch_;
};

} // namespace vpn::client
