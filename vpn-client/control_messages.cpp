#include "vpn-client/control_messages.hpp"

#include <algorithm>
#include <array>

namespace vpn::client {
namespace {

using config::Json;

constexpr std::int64_t protocol_version = 1;
constexpr std::array<std::string_view, 3> names{"status", "disconnect", "pause"};

} // namespace

std::string encode(const Request& request) {
    Json json = Json::object({{"version", protocol_version}, {"command", names.at(static_cast<std::size_t>(request.command))}});
    if (request.command == Command::pause) json.set("seconds", request.time.count());
    return format(json);
}

std::optional<Request> decode_request(std::string_view line) {
    const auto json = config::parse(line, config::JsonLimits::message());
    if (!json || json->integer_at("version") != protocol_version) return std::nullopt;
    const auto name = json->string_at("command");
    const auto found = name ? std::find(names.begin(), names.end(), *name) : names.end();
    if (found == names.end()) return std::nullopt;
    Request request{static_cast<Command>(found - names.begin())};
    if (request.command == Command::pause) {
        const auto seconds = json->integer_at("seconds");
        if (!seconds || *seconds < 0 || *seconds > longest_pause.count()) return std::nullopt;
        request.time = std::chrono::seconds(*seconds);
    }
    return request;
}

Json ending_answer() { return Json::object({{"version", protocol_version}, {"ending", true}}); }

Json paused_answer() { return Json::object({{"version", protocol_version}, {"paused", true}}); }

Json error_answer(std::string_view message) { return Json::object({{"version", protocol_version}, {"error", message}}); }

} // namespace vpn::client
