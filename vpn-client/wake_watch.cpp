#include "vpn-client/wake_watch.hpp"

#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <utility>

namespace vpn::client {

/// SIGCONT, which comes when a stopped process goes on.
class WakeWatch::Continued {
  public:
    Continued(boost::asio::io_context& loop, std::function<void()> handler)
        : signals_(loop, SIGCONT), handler_(std::move(handler)) {
        wait();
    }

  private:
    void wait() {
        signals_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error, int) {
            if (error || alive.expired()) return; // it may have gone
            wait();                               // first: whatever the handler throws, it is called again
            handler_();
        });
    }

    boost::asio::signal_set signals_;
    std::function<void()> handler_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

WakeWatch::WakeWatch(boost::asio::io_context& loop, std::function<void(std::string_view)> woke)
    : woke_(std::move(woke)), logind_(Logind::listen()),
      continued_(std::make_unique<Continued>(loop, [this] { woke_("continued"); })), timer_watch_(loop, timer_.fd(), [this] {
          if (timer_.acknowledge() > Duration::zero()) woke_("clock");
      }) {
    if (!logind_) return;
    logind_watch_.emplace(loop, logind_->fd(), [this] { hear_logind(); });
    hear_logind(); // what came while we asked wakes nobody
}

WakeWatch::~WakeWatch() = default;

void WakeWatch::hear_logind() {
    switch (logind_->handle_events()) {
    case Logind::News::none: break;
    case Logind::News::woke: woke_("logind"); break;
    case Logind::News::bus_gone: logind_watch_.reset(); break; // the kernel's word remains
    }
}

} // namespace vpn::client
