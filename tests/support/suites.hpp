// What a test needs to hold for either suite: the numbers of PROTOCOL 1, restated, and which of the two this run is about.
// Tests of whole devices are run once for each suite (tests/protocol/meson.build).
#pragma once

#include "common/protocol/suite.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace vpn::support {

using protocol::Suite;

struct SuiteNumbers {
    unsigned initiation_type, response_type;
    std::size_t initiation, response; ///< bytes of the whole message
    std::size_t tag;
    std::size_t overhead; ///< of a data message; a keepalive is nothing else
};

constexpr SuiteNumbers numbers_of(Suite suite) {
    if (suite == Suite::hybrid) return {5, 6, 1396, 1228, 32, 48};
    return {1, 2, 148, 92, 16, 32};
}

/// The suite of this run: the environment's VPN_TEST_SUITE, `wireguard` without it.
inline Suite suite_under_test() {
    const char* name = std::getenv("VPN_TEST_SUITE");
    if (name == nullptr) return Suite::wireguard;
    if (const auto suite = crypto::parse_suite(name)) return *suite;
    throw std::invalid_argument("VPN_TEST_SUITE is neither wireguard nor hybrid: " + std::string(name));
}
inline SuiteNumbers numbers() { return numbers_of(suite_under_test()); }

} // namespace vpn::support
