// What people see of the documents that status_report makes.
// Refuses to know: where they came from. Takes what is missing in them for unknown.
#pragma once

#include "common/config/json.hpp"

#include <string>

namespace vpn::server {

/// The verdict, the facts, the peers, and what was dropped.
std::string status_text(const config::Json& status, bool colour);

/// The peers alone.
std::string peers_text(const config::Json& status, bool colour);

/// The keys of a document that keys_document made: the verdict, and a fact a line.
std::string keys_text(const config::Json& keys, bool colour);

/// One peer, a fact a line.
std::string peer_text(const config::Json& peer);

/// The peer of that name in a document; null if there is none.
const config::Json* find_peer(const config::Json& status, std::string_view name);

} // namespace vpn::server
