// One connection of `wg` or its like: lines taken apart, requests answered (PROTOCOL 4).
// Refuses to know: what a request does.
#pragma once

#include "common/config/uapi_request.hpp"
#include "common/system/log.hpp"
#include "common/system/stream_server.hpp"

#include <functional>

namespace vpn::tun {

class UapiConversation final : public system::Conversation {
  public:
    struct Handlers {
        std::function<std::string()> get;
        /// The errno; zero if it was done.
        std::function<int(config::UapiSet)> set;
    };

    UapiConversation(Handlers handlers, system::Logger log);

    std::size_t handle_received(std::string_view received, std::string& answer) override;

  private:
    std::string answer(config::UapiRequest request);

    Handlers handlers_;
    system::Logger log_;
    config::UapiParser parser_;
    bool overlong_ = false; ///< in the middle of a line that was refused
};

} // namespace vpn::tun
