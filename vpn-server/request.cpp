#include "vpn-server/request.hpp"

#include <optional>

namespace vpn::server {
namespace {

using config::Json;

constexpr std::chrono::seconds grace_max = std::chrono::days(365);

Json to_json(const AskConfigFile&) { return Json::object({{"ask", "config-file"}}); }
Json to_json(const AskStatus&) { return Json::object({{"ask", "status"}}); }
Json to_json(const AskReload&) { return Json::object({{"ask", "reload"}}); }
Json to_json(const AskRekey& ask) { return Json::object({{"ask", "rekey"}, {"grace", ask.grace.count()}}); }
Json to_json(const AskEndOldKey&) { return Json::object({{"ask", "end-old-key"}}); }
Json to_json(const AskAddPeer& ask) {
    Json json = Json::object({{"ask", "add-peer"},
                              {"name", ask.peer.name},
                              {"public_key", ask.peer.public_key.to_string()},
                              {"with_preshared_key", ask.peer.with_preshared_key},
                              {"suite", crypto::name_of(ask.peer.suite)}});
    if (ask.peer.limits.expires) json.set("expires", config::format_instant(*ask.peer.limits.expires));
    if (ask.peer.limits.quota) json.set("quota", config::format_quota(*ask.peer.limits.quota));
    if (ask.peer.limits.rate) json.set("rate", config::format_rate(*ask.peer.limits.rate));
    return json;
}
Json to_json(const AskRemovePeer& ask) { return Json::object({{"ask", "remove-peer"}, {"name", ask.name}}); }
Json to_json(const AskResetPeer& ask) { return Json::object({{"ask", "reset-peer"}, {"name", ask.name}, {"quota", ask.quota}}); }
Json to_json(const AskEnablePeer& ask) {
    return Json::object({{"ask", "enable-peer"}, {"name", ask.name}, {"enabled", ask.enabled}});
}
Json to_json(const AskRenamePeer& ask) {
    return Json::object({{"ask", "rename-peer"}, {"name", ask.name}, {"new_name", ask.new_name}});
}
Json to_json(const AskRekeyPeer& ask) {
    return Json::object({{"ask", "rekey-peer"},
                         {"name", ask.name},
                         {"public_key", ask.public_key.to_string()},
                         {"with_preshared_key", ask.with_preshared_key}});
}
/// A limit that is to be taken away is null; one that stays is not said.
Json to_json(const AskLimitPeer& ask) {
    const config::PeerLimits& limits = ask.limits;
    Json json = Json::object({{"ask", "limit-peer"}, {"name", ask.name}});
    if (ask.set_expires) json.set("expires", limits.expires ? Json(config::format_instant(*limits.expires)) : Json());
    if (ask.set_quota) json.set("quota", limits.quota ? Json(config::format_quota(*limits.quota)) : Json());
    if (ask.set_rate) json.set("rate", limits.rate ? Json(config::format_rate(*limits.rate)) : Json());
    return json;
}

/// False if there is something, and it is no limit.
template <class T>
bool read_limit(const Json& json, std::string_view key, std::optional<T> (*parse)(std::string_view), std::optional<T>& limit) {
    const Json* value = json.find(key);
    if (value == nullptr || value->is_null()) return true;
    limit = parse(json.string_at(key).value_or(""));
    return limit.has_value();
}

std::optional<config::PeerLimits> limits_of(const Json& json) {
    config::PeerLimits limits;
    if (!read_limit(json, "expires", config::parse_instant, limits.expires) ||
        !read_limit(json, "quota", config::parse_quota, limits.quota) ||
        !read_limit(json, "rate", config::parse_rate, limits.rate))
        return std::nullopt;
    return limits;
}

std::optional<Request> add_peer(const Json& json, std::string name) {
    const auto key = crypto::PublicKey::parse(json.string_at("public_key").value_or(""));
    const auto with_preshared_key = json.bool_at("with_preshared_key");
    const auto suite = crypto::parse_suite(json.string_at("suite").value_or(""));
    const auto limits = limits_of(json);
    if (!key || !with_preshared_key || !suite || !limits) return std::nullopt;
    return AskAddPeer{{.name = std::move(name),
                       .public_key = *key,
                       .with_preshared_key = *with_preshared_key,
                       .suite = *suite,
                       .limits = *limits}};
}

std::optional<Request> rekey_peer(const Json& json, std::string name) {
    const auto key = crypto::PublicKey::parse(json.string_at("public_key").value_or(""));
    const auto with_preshared_key = json.bool_at("with_preshared_key");
    if (!key || !with_preshared_key) return std::nullopt;
    return AskRekeyPeer{std::move(name), *key, *with_preshared_key};
}

std::optional<Request> limit_peer(const Json& json, std::string name) {
    const auto limits = limits_of(json);
    if (!limits) return std::nullopt;
    const auto is_set = [&](std::string_view key) { return json.find(key) != nullptr; };
    return AskLimitPeer{std::move(name), *limits, is_set("expires"), is_set("quota"), is_set("rate")};
}

std::optional<Request> from_json(const Json& json) {
    const auto ask = json.string_at("ask").value_or("");
    if (ask == "config-file") return AskConfigFile{};
    if (ask == "status") return AskStatus{};
    if (ask == "reload") return AskReload{};
    if (ask == "end-old-key") return AskEndOldKey{};
    if (const auto grace = json.integer_at("grace"); ask == "rekey" && grace && *grace >= 0 && *grace <= grace_max.count())
        return AskRekey{std::chrono::seconds(*grace)};
    const auto name = json.string_at("name");
    if (!name) return std::nullopt;
    if (ask == "add-peer") return add_peer(json, std::string(*name));
    if (ask == "remove-peer") return AskRemovePeer{std::string(*name)};
    if (ask == "reset-peer") return AskResetPeer{std::string(*name), json.bool_at("quota").value_or(false)};
    if (ask == "rekey-peer") return rekey_peer(json, std::string(*name));
    if (ask == "limit-peer") return limit_peer(json, std::string(*name));
    if (const auto enabled = json.bool_at("enabled"); ask == "enable-peer" && enabled)
        return AskEnablePeer{std::string(*name), *enabled};
    if (const auto new_name = json.string_at("new_name"); ask == "rename-peer" && new_name)
        return AskRenamePeer{std::string(*name), std::string(*new_name)};
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
