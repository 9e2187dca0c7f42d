// What an engine answers `wg` and its like when they get (PROTOCOL 4).
// Refuses to know: sockets, and what else a program keeps of its peers.
#pragma once

#include "tun/engine.hpp"

#include <string>

namespace vpn::tun {

/// All there is to know, as text. `mark` is what the engine's sockets have. Holds secrets: the caller wipes it.
std::string uapi_answer(const Engine& engine, Mark mark);

} // namespace vpn::tun
