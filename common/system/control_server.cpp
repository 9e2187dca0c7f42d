#include "common/system/control_server.hpp"

#include <memory>
#include <utility>

namespace vpn::system {
namespace {

class Lines : public Conversation {
  public:
    explicit Lines(ControlServer::Handler handler) : handler_(std::move(handler)) {}

    std::size_t handle_received(std::string_view received, std::string& answer) override {
        const std::size_t end = received.find('\n');
        if (end == std::string_view::npos) return 0;
        answer = handler_(received.substr(0, end)) + '\n';
        return end + 1;
    }

  private:
    ControlServer::Handler handler_;
};

} // namespace

ControlServer::ControlServer(boost::asio::io_context& loop, UnixListener listener, Handler handler)
    : server_(loop, std::move(listener), [handler = std::move(handler)] { return std::make_unique<Lines>(handler); }) {}

} // namespace vpn::system
