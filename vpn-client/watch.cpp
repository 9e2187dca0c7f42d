#include "vpn-client/watch.hpp"

#include "common/system/handler_memory.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace vpn::client {
namespace {

namespace asio = boost::asio;

int duplicate(int fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) throw std::system_error(errno, std::generic_category(), "cannot duplicate a descriptor");
    return copy;
}

} // namespace

/// What is under way holds it; `readable` is empty once the watch has gone.
struct Watch::State : std::enable_shared_from_this<Watch::State> {
    State(asio::io_context& loop, int fd, std::function<void()> the_readable)
        : descriptor(loop, duplicate(fd)), readable(std::make_shared<const std::function<void()>>(std::move(the_readable))) {}

    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              system::kept_in(memory, [self = shared_from_this()](const boost::system::error_code& error) {
                                  if (error || !self->readable) return;
                                  self->wait();                        // first: whatever the handler throws, it is called again
                                  const auto handler = self->readable; // may end the watch
                                  (*handler)();
                              }));
    }
    void end() {
        readable = nullptr;
        boost::system::error_code ignored;
        descriptor.close(ignored);
    }

    asio::posix::stream_descriptor descriptor;
    std::shared_ptr<system::HandlerMemory> memory = std::make_shared<system::HandlerMemory>();
    std::shared_ptr<const std::function<void()>> readable; ///< shared, since copying what it holds may take memory
};

Watch::Watch(asio::io_context& loop, int fd, std::function<void()> readable)
    : state_(std::make_shared<State>(loop, fd, std::move(readable))) {
    state_->wait();
}

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        if (state_) state_->end();
        state_ = std::move(other.state_);
    }
    return *this;
}

Watch::~Watch() {
    if (state_) state_->end();
}

Alarm::Alarm(asio::io_context& loop, std::function<void()> ring)
    : watch_(loop, timer_.fd(), [this, ring = std::move(ring)] {
          if (timer_.acknowledge()) ring();
      }) {}

void Soon::call(std::function<void()> act) {
    asio::post(loop_, [act = std::move(act), alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) act();
    });
}

} // namespace vpn::client
