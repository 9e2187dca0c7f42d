#include "vpn-server/forwarding_plan.hpp"

#include "common/config/json.hpp"

#include <algorithm>

namespace vpn::server {
namespace {

using config::Json;

constexpr const char* forward_v4 = "net/ipv4/ip_forward";
constexpr const char* forward_v6 = "net/ipv6/conf/all/forwarding";

std::string switch_of(std::string_view family, std::string_view interface, std::string_view name) {
    return "net/" + std::string(family) + "/conf/" + std::string(interface) + '/' + std::string(name);
}

class Planner {
  public:
    Planner(const std::vector<std::string>& interfaces, const CurrentValue& current)
        : interfaces_(interfaces), current_(current) {}

    void plan_v4() {
        if (current_(forward_v4) == "1") return;
        note(forward_v4);
        note(switch_of("ipv4", "all", "accept_redirects"));
        note_each("ipv4");
        plan_.turn.push_back({forward_v4, "1"});
    }

    void plan_v6() {
        if (current_(forward_v6) == "1") return;
        note(forward_v6);
        note_each("ipv6");
        for (const std::string& interface : interfaces_) {
            const std::string accept_ra = switch_of("ipv6", interface, "accept_ra");
            if (current_(accept_ra) != "1") continue;
            note(accept_ra);
            plan_.turn.push_back({accept_ra, "2"});
        }
        plan_.turn.push_back({forward_v6, "1"});
    }

    ForwardingPlan take() { return std::move(plan_); }

  private:
    void note(const std::string& path) {
        if (auto value = current_(path)) plan_.put_back.push_back({path, std::move(*value)});
    }
    void note_each(std::string_view family) {
        note(switch_of(family, "default", "forwarding"));
        for (const std::string& interface : interfaces_) note(switch_of(family, interface, "forwarding"));
    }

    const std::vector<std::string>& interfaces_;
    const CurrentValue& current_;
    ForwardingPlan plan_;
};

} // namespace

ForwardingPlan plan_forwarding(const std::vector<std::string>& interfaces, bool with_ipv6, const CurrentValue& current) {
    Planner planner(interfaces, current);
    if (with_ipv6) planner.plan_v6();
    planner.plan_v4();
    return planner.take();
}

ForwardingPlan continued(ForwardingPlan plan, std::vector<Setting> left) {
    for (Setting& setting : plan.put_back) {
        const auto same = [&](const Setting& other) { return other.path == setting.path; };
        if (std::none_of(left.begin(), left.end(), same)) left.push_back(std::move(setting));
    }
    plan.put_back = std::move(left);
    return plan;
}

std::string encode_settings(const std::vector<Setting>& settings) {
    Json list = Json::array();
    for (const Setting& setting : settings) list.push(Json::object({{"path", setting.path}, {"value", setting.value}}));
    return config::format(Json::object({{"version", 1}, {"put_back", std::move(list)}}), config::Layout::pretty) + '\n';
}

Result<std::vector<Setting>> decode_settings(std::string_view text) {
    const auto json = config::parse(text);
    if (!json) return failed(json.error().message);
    const Json* list = json->find("put_back");
    if (json->integer_at("version") != 1 || list == nullptr || list->as_array() == nullptr)
        return failed("it is of another version");
    std::vector<Setting> settings;
    for (const Json& item : *list->as_array()) {
        const auto path = item.string_at("path");
        const auto value = item.string_at("value");
        if (!path || !value || !path->starts_with("net/") || path->find("..") != std::string_view::npos)
            return failed("it names no switch of the network");
        settings.push_back({std::string(*path), std::string(*value)});
    }
    return settings;
}

} // namespace vpn::server
