#include "tun/uapi_conversation.hpp"

#include "common/config/uapi_answer.hpp"
#include "common/system/memory_reserve.hpp"

#include <net/if.h>

#include <cerrno>
#include <new>
#include <utility>
#include <variant>

namespace vpn::tun {
namespace {

std::optional<std::uint32_t> interface_index(const std::string& name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    return index == 0 ? std::nullopt : std::optional(index);
}

/// A line becomes less than this times its bytes.
constexpr std::uint64_t memory_per_byte = 8;
constexpr std::size_t few_lines = 16384;

} // namespace

ByteCount memory_to_set(const config::UapiSet& set) {
    constexpr std::uint64_t at_least = std::uint64_t{1} << 20U;
    constexpr std::uint64_t per_peer = 16384;
    constexpr std::uint64_t per_prefix = 512;
    std::uint64_t bytes = at_least;
    for (const config::UapiPeer& peer : set.peers) bytes += per_peer + per_prefix * peer.allowed_ips.size();
    return ByteCount{bytes};
}

UapiConversation::UapiConversation(Handlers handlers, system::Logger log)
    : handlers_(std::move(handlers)), log_(std::move(log)), parser_(interface_index) {}

std::size_t UapiConversation::handle_received(std::string_view received, std::string& answer_text) {
    try {
        // Many lines must not eat up the reserve; few may.
        if (received.size() > few_lines) system::require_memory(ByteCount{received.size() * memory_per_byte});
    } catch (const std::bad_alloc&) {
        parser_.refuse(ENOMEM);
    }
    std::size_t taken = 0;
    while (taken < received.size()) {
        const std::string_view rest = received.substr(taken);
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) {
            if (!overlong_ && rest.size() <= config::UapiParser::longest_line) return taken;
            if (!std::exchange(overlong_, true)) static_cast<void>(take_line(rest)); // refuses it
            return received.size();
        }
        taken += end + 1;
        if (std::exchange(overlong_, false)) continue; // that was its end
        auto request = take_line(rest.substr(0, end));
        if (!request) continue;
        answer_text = answer(std::move(*request));
        return taken;
    }
    return taken;
}

/// A request that grows beyond what memory there is, is refused at its end, and nothing of it is kept until then.
std::optional<config::UapiRequest> UapiConversation::take_line(std::string_view line) {
    try {
        return parser_.handle_line(line);
    } catch (const std::bad_alloc&) {
        parser_.refuse(ENOMEM);
        return std::nullopt;
    }
}

std::string UapiConversation::answer(config::UapiRequest request) {
    const bool of_get = std::holds_alternative<config::UapiGet>(request);
    try {
        return carry_out(std::move(request));
    } catch (const std::bad_alloc&) {
        return config::format_uapi_end(ENOMEM, of_get);
    }
}

std::string UapiConversation::carry_out(config::UapiRequest request) {
    if (std::holds_alternative<config::UapiGet>(request)) return handlers_.get();
    if (auto* set = std::get_if<config::UapiSet>(&request)) return config::format_uapi_end(handlers_.set(std::move(*set)), false);
    const auto& refusal = std::get<config::UapiRefusal>(request);
    log_.warn("uapi-refused", {{"error", system::errno_text(refusal.error)}, {"at", refusal.why}});
    return config::format_uapi_end(refusal.error, refusal.of_get);
}

} // namespace vpn::tun
