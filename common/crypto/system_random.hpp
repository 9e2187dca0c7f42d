// The kernel's random generator, through libsodium. The only start-up that libsodium needs happens here.
#pragma once

#include "common/base/random.hpp"

namespace vpn::crypto {

/// Thread-safe. Throws std::runtime_error if libsodium can't start.
class SystemRandom final : public Random {
  public:
    SystemRandom();
    void fill(MutableBytes out) override;
};

} // namespace vpn::crypto
