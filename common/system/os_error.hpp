// What the kernel said no to, and why: a sentence for people, a code for those who decide.
#pragma once

#include "common/base/result.hpp"

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace vpn::system {

/// A failure that kept its errno. Turns into a plain `Failure` wherever one is wanted.
struct OsError : Failure {
    std::error_code code;
};

template <class T> using OsResult = Result<T, OsError>;

/// The errno's own words ("No such device").
inline std::string errno_text(int error) { return std::generic_category().message(error); }

/// For `return os_failed("cannot bring vpn0 up", errno)`; the message ends with the errno's words.
inline tl::unexpected<OsError> os_failed(std::string_view what, int error) {
    return tl::unexpected<OsError>(OsError{{std::string(what) + ": " + errno_text(error)}, {error, std::generic_category()}});
}

/// True if `error` is the errno `value`.
inline bool is_errno(const OsError& error, int value) { return error.code == std::error_code(value, std::generic_category()); }

} // namespace vpn::system
