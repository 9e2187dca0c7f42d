// One connection of `wg` or its like: lines taken apart, requests answered (PROTOCOL 4).
// Refuses to know: what a request does.
#pragma once

#include "common/config/uapi_request.hpp"
#include "common/system/log.hpp"
#include "common/system/stream_server.hpp"

#include <functional>

namespace vpn::tun {

/// What carrying out a set may need, all in all.
[[nodiscard]] ByteCount memory_to_set(const config::UapiSet& set);

class UapiConversation final : public system::Conversation {
  public:
    struct Handlers {
        std::function<std::string()> get;
        /// The errno; zero if it was done. Either may throw std::bad_alloc, and then nothing has changed.
        std::function<int(config::UapiSet)> set;
    };

    UapiConversation(Handlers handlers, system::Logger log);

    std::size_t handle_received(std::string_view received, std::string& answer) override;

  private:
    std::optional<config::UapiRequest> take_line(std::string_view line);
    std::string answer(config::UapiRequest request);
    std::string carry_out(config::UapiRequest request);

    Handlers handlers_;
    system::Logger log_;
    config::UapiParser parser_;
    bool overlong_ = false; ///< in the middle of a line that was refused
};

} // namespace vpn::tun
