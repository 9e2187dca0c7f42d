// One change to a good file, and the fault that must be found in it.
#pragma once

#include "common/config/error.hpp"
#include "tests/config/samples.hpp"

#include <string>
#include <string_view>

namespace vpn::config {

struct Fault {
    /// Replaced in the good file; empty: the whole file is.
    std::string from;
    std::string to;
    int line;
    std::string message;
};

inline std::string changed(const std::string& good, const Fault& fault) {
    return samples::with_keys(fault.from.empty() ? fault.to : samples::with(good, fault.from, fault.to));
}

/// `FILE:LINE: message`, or `none`.
template <class T> std::string fault_text(const Parsed<T>& parsed) { return parsed ? "none" : parsed.error().text(); }

} // namespace vpn::config
