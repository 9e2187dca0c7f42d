// Asks for memory before it is needed, so that it comes while something else is done. A hint: it changes nothing, and reads
// nothing. Refuses to know: what is there.
#pragma once

#include <cstddef>

namespace vpn {

inline constexpr std::size_t cache_line = 64; ///< bytes, of every machine that we know of

/// The first bytes of an object, up to `size`, at most all of it.
template <class T> void prefetch(const T& object, std::size_t size = sizeof(T)) {
    const auto* bytes = reinterpret_cast<const char*>(&object);
    for (std::size_t at = 0; at < size && at < sizeof(T); at += cache_line) __builtin_prefetch(bytes + at);
}

} // namespace vpn
