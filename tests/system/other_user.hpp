// What only real root can try: being somebody else.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

namespace vpn::test {

/// Who owns nothing of the test's.
inline constexpr uid_t other_user = 12345;

/// False without root, and in a user namespace that knows nobody else: then it is said that something was left out.
inline bool can_become_other_user() {
    const uid_t ourselves = ::geteuid();
    if (ourselves == 0 && ::seteuid(other_user) == 0) return ::seteuid(ourselves) == 0;
    MESSAGE("left out: it takes root");
    return false;
}

} // namespace vpn::test
