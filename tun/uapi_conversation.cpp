#include "tun/uapi_conversation.hpp"

#include "common/config/uapi_answer.hpp"

#include <net/if.h>

#include <utility>
#include <variant>

namespace vpn::tun {
namespace {

std::optional<std::uint32_t> interface_index(const std::string& name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    return index == 0 ? std::nullopt : std::optional(index);
}

} // namespace

UapiConversation::UapiConversation(Handlers handlers, system::Logger log)
    : handlers_(std::move(handlers)), log_(std::move(log)), parser_(interface_index) {}

std::size_t UapiConversation::handle_received(std::string_view received, std::string& answer_text) {
    std::size_t taken = 0;
    while (taken < received.size()) {
        const std::string_view rest = received.substr(taken);
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) {
            if (!overlong_ && rest.size() <= config::UapiParser::longest_line) return taken;
            if (!std::exchange(overlong_, true)) static_cast<void>(parser_.handle_line(rest)); // refuses it
            return received.size();
        }
        taken += end + 1;
        if (std::exchange(overlong_, false)) continue; // that was its end
        auto request = parser_.handle_line(rest.substr(0, end));
        if (!request) continue;
        answer_text = answer(std::move(*request));
        return taken;
    }
    return taken;
}

std::string UapiConversation::answer(config::UapiRequest request) {
    if (std::holds_alternative<config::UapiGet>(request)) return handlers_.get();
    if (auto* set = std::get_if<config::UapiSet>(&request)) return config::format_uapi_end(handlers_.set(std::move(*set)), false);
    const auto& refusal = std::get<config::UapiRefusal>(request);
    log_.warn("uapi-refused", {{"error", system::errno_text(refusal.error)}, {"at", refusal.why}});
    return config::format_uapi_end(refusal.error, refusal.of_get);
}

} // namespace vpn::tun
