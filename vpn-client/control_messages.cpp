#include "vpn-client/control_messages.hpp"

namespace vpn::client {
namespace {

using config::Json;

constexpr std::int64_t protocol_version = 1;

} // namespace

std::string encode(Request request) {
    return format(
        Json::object({{"version", protocol_version}, {"command", request == Request::status ? "status" : "disconnect"}}));
}

std::optional<Request> decode_request(std::string_view line) {
    const auto json = config::parse(line, config::JsonLimits::message());
    if (!json || json->integer_at("version") != protocol_version) return std::nullopt;
    const auto command = json->string_at("command");
    if (command == "status") return Request::status;
    if (command == "disconnect") return Request::disconnect;
    return std::nullopt;
}

Json ending_answer() { return Json::object({{"version", protocol_version}, {"ending", true}}); }

Json error_answer(std::string_view message) { return Json::object({{"version", protocol_version}, {"error", message}}); }

} // namespace vpn::client
