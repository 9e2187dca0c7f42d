// What a command says to a daemon through its socket, a line of JSON each way. Pure.
//     {"version": 1, "command": "status"}      -> a report (report.hpp)
//     {"version": 1, "command": "disconnect"}  -> {"version": 1, "ending": true}, and the connection closes when all is put back
// Anything else                                -> {"version": 1, "error": "..."}
#pragma once

#include "common/config/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vpn::client {

enum class Request : std::uint8_t { status, disconnect };

std::string encode(Request request);
std::optional<Request> decode_request(std::string_view line);

config::Json ending_answer();
config::Json error_answer(std::string_view message);

} // namespace vpn::client
