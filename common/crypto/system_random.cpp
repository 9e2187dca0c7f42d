#include "common/crypto/system_random.hpp"

#include <sodium/core.h>
#include <sodium/randombytes.h>

#include <stdexcept>

namespace vpn::crypto {

SystemRandom::SystemRandom() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start: no source of randomness");
}

void SystemRandom::fill(MutableBytes out) { randombytes_buf(out.data(), out.size()); }

} // namespace vpn::crypto
