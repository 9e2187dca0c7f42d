// The pointer type that C libraries have for bytes. Internal to crypto.
#pragma once

#include <cstddef>

namespace vpn::crypto {

inline const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }
inline unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

} // namespace vpn::crypto
