#include "vpn-client/program_user.hpp"

#include "common/base/ip.hpp"
#include "common/config/error.hpp"
#include "common/system/os_error.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <optional>

namespace vpn::client {
namespace {

ProgramUser from_account(const passwd& account) {
    return {account.pw_uid, account.pw_gid, account.pw_name, account.pw_dir, account.pw_shell, account.pw_uid != ::geteuid()};
}

/// A number that sudo left in the environment.
std::optional<std::uint32_t> number_from(const char* variable) {
    const char* text = std::getenv(variable);
    return text != nullptr ? parse_decimal(text, std::numeric_limits<std::uint32_t>::max()) : std::nullopt;
}

void set_environment(const ProgramUser& user) {
    for (const char* variable : {"SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND"}) ::unsetenv(variable);
    if (user.name.empty()) return;
    ::setenv("HOME", user.home.c_str(), 1);
    ::setenv("USER", user.name.c_str(), 1);
    ::setenv("LOGNAME", user.name.c_str(), 1);
    ::setenv("SHELL", user.shell.c_str(), 1);
}

bool set_groups(const ProgramUser& user) {
    if (user.name.empty()) return ::setgroups(1, &user.group) == 0;
    return ::initgroups(user.name.c_str(), user.group) == 0;
}

} // namespace

Granted<ProgramUser> find_program_user(const std::string& name) {
    if (!name.empty()) {
        const passwd* account = ::getpwnam(name.c_str());
        if (account == nullptr) return refuse(system::ExitCode::usage, "--user: there is no user " + config::quote(name));
        return from_account(*account);
    }
    const auto caller = ::geteuid() == 0 ? number_from("SUDO_UID") : std::nullopt;
    if (!caller || *caller == 0) return ProgramUser{::geteuid(), ::getegid(), "", "", "", false};
    if (const passwd* account = ::getpwuid(*caller)) return from_account(*account);
    return ProgramUser{*caller, number_from("SUDO_GID").value_or(*caller), "", "", "", true};
}

Result<void> become(const ProgramUser& user) {
    if (!user.changes) return {};
    if (!set_groups(user) || ::setresgid(user.group, user.group, user.group) != 0 || ::setresuid(user.id, user.id, user.id) != 0)
        return failed("cannot become user " + std::to_string(user.id) + ": " + system::errno_text(errno));
    set_environment(user);
    return {};
}

} // namespace vpn::client
