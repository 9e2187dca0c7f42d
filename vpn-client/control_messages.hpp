// What a command says to a daemon through its socket, a line of JSON each way. Pure.
//     {"version": 1, "command": "status"}      -> a report (report.hpp)
//     {"version": 1, "command": "disconnect"}  -> {"version": 1, "ending": true}, and the connection closes when all is put back
//     {"version": 1, "command": "pause", "seconds": 300}  -> {"version": 1, "paused": true}; zero seconds end a pause
// Anything else                                -> {"version": 1, "error": "..."}
#pragma once

#include "common/config/json.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vpn::client {

enum class Command : std::uint8_t { status, disconnect, pause };

inline constexpr std::chrono::seconds longest_pause = std::chrono::hours(24);

struct Request {
    Command command = Command::status;
    /// Of a pause.
    std::chrono::seconds time{0};
    friend bool operator==(const Request&, const Request&) = default;
};

std::string encode(const Request& request);
std::optional<Request> decode_request(std::string_view line);

config::Json ending_answer();
config::Json paused_answer();
config::Json error_answer(std::string_view message);

} // namespace vpn::client
