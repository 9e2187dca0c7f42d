// What the two kinds of file have in common: suites, and keys that stand elsewhere.
// Refuses to know: how a file is read; whoever decodes brings a reader.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/suite.hpp"

#include <functional>
#include <string>

namespace vpn::config {

/// The construction that a peer speaks (PROTOCOL 2). Part of the configuration, never negotiated.
using crypto::Suite;

/// Brings the contents of the file that a key `"file:/path"` names. The path is absolute. The caller wipes the string.
using KeyReader = std::function<Result<std::string>(const std::string& path)>;

} // namespace vpn::config
