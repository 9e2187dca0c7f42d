// What a connection's daemon and the process that runs its hooks say to each other, a datagram each. Pure.
//     a MOMENT LINE COMMAND     a hook of the file; before the seal alone
//     s INTERFACE               the seal: that is all of them
//     r MOMENT                  run those of this moment
//     e                         end what runs of PreUp or PostUp, and don't begin what would follow
//     l                         let go of the terminal and the directory
// and back, of the hook that was added as the HOOKth:
//     b HOOK, t HOOK            it has begun; it takes its time
//     g HOOK, f HOOK TEXT, n HOOK TEXT    it came to a good end; it failed; it could not be started
//     o                         those of the moment are over
// MOMENT is a byte, LINE and HOOK are four, little-endian. Anything else is no message.
#pragma once

#include "vpn-client/hooks.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vpn::client {

/// What the kernel takes as one word of a program (MAX_ARG_STRLEN): a longer command could not be run.
inline constexpr std::size_t longest_hook = 131'071;
/// Of any order.
inline constexpr std::size_t longest_hook_order = longest_hook + 6;
/// Of any news.
inline constexpr std::size_t longest_hook_news = 4096;

/// The daemon's.
struct HookOrder {
    enum class Kind : std::uint8_t { add, seal, run, end, leave };
    Kind kind = Kind::end;
    Hook hook{};           ///< of add
    std::string interface; ///< of seal
    HookMoment moment{};   ///< of run
    friend bool operator==(const HookOrder&, const HookOrder&) = default;
};

/// The other way.
struct HookNews {
    enum class Kind : std::uint8_t { begun, slow, fine, failed, not_started, over };
    Kind kind = Kind::over;
    std::uint32_t hook = 0;
    std::string text; ///< of failed and not_started
    friend bool operator==(const HookNews&, const HookNews&) = default;
};

std::string encode(const HookOrder& order);
std::optional<HookOrder> decode_hook_order(std::string_view datagram);

std::string encode(const HookNews& news);
std::optional<HookNews> decode_hook_news(std::string_view datagram);

} // namespace vpn::client
