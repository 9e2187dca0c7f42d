// Integers that mean different things have different types.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace vpn {

/// A value of `T` that only mixes with others of the same `Tag`.
template <class Tag, class T> struct Strong {
    T value{};
    friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

using ByteCount = Strong<struct ByteCountTag, std::uint64_t>;
/// Of a second, in bits.
using BitRate = Strong<struct BitRateTag, std::uint64_t>;
using Port = Strong<struct PortTag, std::uint16_t>;
/// The firewall mark of outer packets (SO_MARK); zero is none.
using Mark = Strong<struct MarkTag, std::uint32_t>;

} // namespace vpn

template <class Tag, class T> struct std::hash<vpn::Strong<Tag, T>> {
    std::size_t operator()(const vpn::Strong<Tag, T>& strong) const noexcept { return std::hash<T>{}(strong.value); }
};
