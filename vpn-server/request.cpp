#include "vpn-server/request.hpp"

#include <optional>

namespace vpn::server {
namespace {

using config::Json;

Json to_json(const AskConfigFile&) { return Json::object({{"ask", "config-file"}}); }
Json to_json(const AskStatus&) { return Json::object({{"ask", "status"}}); }
Json to_json(const AskReload&) { return Json::object({{"ask", "reload"}}); }
Json to_json(const AskAddPeer& ask) {
    return Json::object({{"ask", "add-peer"},
                         {"name", ask.peer.name},
                         {"public_key", ask.peer.public_key.to_string()},
                         {"with_preshared_key", ask.peer.with_preshared_key},
                         {"suite", crypto::name_of(ask.peer.suite)}});
}
Json to_json(const AskRemovePeer& ask) { return Json::object({{"ask", "remove-peer"}, {"name", ask.name}}); }
Json to_json(const AskResetPeer& ask) { return Json::object({{"ask", "reset-peer"}, {"name", ask.name}}); }

std::optional<Request> add_peer(const Json& json, std::string name) {
    const auto key = crypto::PublicKey::parse(json.string_at("public_key").value_or(""));
    const auto with_preshared_key = json.bool_at("with_preshared_key");
    const auto suite = crypto::parse_suite(json.string_at("suite").value_or(""));
    if (!key || !with_preshared_key || !suite) return std::nullopt;
    return AskAddPeer{{.name = std::move(name), .public_key = *key, .with_preshared_key = *with_preshared_key, .suite = *suite}};
}

std::optional<Request> from_json(const Json& json) {
    const auto ask = json.string_at("ask").value_or("");
    if (ask == "config-file") return AskConfigFile{};
    if (ask == "status") return AskStatus{};
    if (ask == "reload") return AskReload{};
    const auto name = json.string_at("name");
    if (!name) return std::nullopt;
    if (ask == "add-peer") return add_peer(json, std::string(*name));
    if (ask == "remove-peer") return AskRemovePeer{std::string(*name)};
    if (ask == "reset-peer") return AskResetPeer{std::string(*name)};
    return std::nullopt;
}

std::optional<ExitCode> exit_code_at(const Json& json) {
    const auto code = json.integer_at("exit");
    if (!code || *code < 1 || *code > system::to_int(ExitCode::bad_configuration)) return std::nullopt;
    return static_cast<ExitCode>(*code);
}

} // namespace

std::string encode(const Request& request) {
    return config::format(std::visit([](const auto& ask) { return to_json(ask); }, request));
}

Result<Request> decode_request(std::string_view line) {
    const auto json = config::parse(line, config::JsonLimits::message());
    if (!json) return failed("the request can't be read: " + json.error().message);
    if (auto request = from_json(*json)) return std::move(*request);
    return failed("the daemon does not know this request; it may be of another version than the command");
}

std::string encode(const Answer& answer) {
    if (answer) return config::format(Json::object({{"answer", *answer}}));
    return config::format(Json::object({{"exit", system::to_int(answer.error().code)}, {"error", answer.error().message}}));
}

Answer decode_answer(std::string_view line) {
    const auto json = config::parse(line, config::JsonLimits::large());
    if (!json) return refused(ExitCode::failure, "the daemon's answer can't be read: " + json.error().message);
    if (const Json* answer = json->find("answer")) return *answer;
    const auto code = exit_code_at(*json);
    const auto message = json->string_at("error");
    if (!code || !message) return refused(ExitCode::failure, "the daemon's answer is not understood");
    return refused(*code, std::string(*message));
}

} // namespace vpn::server
