// How a function says that it could not.
#pragma once

#include <tl/expected.hpp>

#include <string>

namespace vpn {

/// Something that a person must read and can act on: one sentence, no full stop, no secrets in it.
struct Failure {
    std::string message;
};

template <class T, class E = Failure> using Result = tl::expected<T, E>;

/// For `return failed("port 51820 is taken")`.
inline tl::unexpected<Failure> failed(std::string message) { return tl::unexpected<Failure>(Failure{std::move(message)}); }

} // namespace vpn
