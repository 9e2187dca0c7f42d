// Who a program runs as that `vpn-client run` starts: the person who typed the command, although it takes root to carry it out.
#pragma once

#include "vpn-client/refusal.hpp"

#include <sys/types.h>

#include <string>

namespace vpn::client {

struct ProgramUser {
    uid_t id = 0;
    gid_t group = 0;
    /// Empty if no account has that id, or nothing is to change.
    std::string name;
    std::string home;
    std::string shell;
    bool changes = false; ///< from what we are
};

/// The account of that name; without one, whoever became root by sudo; else we ourselves. Errors: usage if there is no such
/// account.
Granted<ProgramUser> find_program_user(const std::string& name);

/// Becomes that user for good, with all groups of the account, and an environment to match. Errors: what the kernel refused.
Result<void> become(const ProgramUser& user);

} // namespace vpn::client
