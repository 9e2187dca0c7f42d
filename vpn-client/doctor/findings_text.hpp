// Findings as people read them, and as programs do (documented in vpn-client(1)). Pure.
#pragma once

#include "common/config/json.hpp"
#include "vpn-client/doctor/finding.hpp"

#include <string>

namespace vpn::client::checks {

/// A line each, what to do on a second one; and one that counts them.
std::string findings_text(const Findings& findings, bool colour);
/// `connection` may be empty: the machine alone was looked at.
config::Json to_json(const std::string& connection, const Findings& findings);
[[nodiscard]] bool any_failed(const Findings& findings);

} // namespace vpn::client::checks
