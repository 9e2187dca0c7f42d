#include "vpn-server/forwarding.hpp"

#include "common/system/directory.hpp"
#include "common/system/files.hpp"
#include "common/system/sysctl.hpp"

#include <algorithm>
#include <filesystem>

namespace vpn::server {
namespace {

std::optional<std::string> current(const std::string& path) {
    auto value = system::read_sysctl(path);
    return value ? std::optional(std::move(*value)) : std::nullopt;
}

std::vector<std::string> interfaces_but(std::string_view tunnel) {
    std::vector<std::string> names;
    for (const std::filesystem::path& path : system::paths_in("/proc/sys/net/ipv4/conf"))
        if (std::string name = path.filename().string(); name != "all" && name != "default" && name != tunnel)
            names.push_back(std::move(name));
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::vector<Setting>> read_left(const std::string& restore_file) {
    const auto text = system::read_private_file(restore_file);
    if (!text && text.error().kind == system::FileError::Kind::missing) return std::vector<Setting>();
    if (!text) return failed(text.error().message);
    auto settings = decode_settings(*text);
    if (!settings) return failed("cannot use " + restore_file + ": " + settings.error().message + "; remove it to start anew");
    return settings;
}

Result<void> write_if_other(const Setting& setting) {
    if (current(setting.path) == setting.value) return {};
    if (auto written = system::write_sysctl(setting.path, setting.value); !written) return tl::unexpected(written.error());
    return {};
}

} // namespace

Result<Forwarding> Forwarding::enable(std::string_view tunnel, bool with_ipv6, const std::string& restore_file) {
    auto left = read_left(restore_file);
    if (!left) return tl::unexpected(left.error());
    ForwardingPlan plan = continued(plan_forwarding(interfaces_but(tunnel), with_ipv6, current), std::move(*left));
    if (plan.put_back.empty()) return Forwarding({}, {});
    if (auto kept = system::write_private_file(restore_file, encode_settings(plan.put_back)); !kept)
        return failed(kept.error().message);
    Forwarding forwarding(std::move(plan.put_back), restore_file);
    for (const Setting& setting : plan.turn)
        if (auto turned = write_if_other(setting); !turned) return tl::unexpected(turned.error());
    return forwarding;
}

Forwarding::~Forwarding() {
    if (restore_file_.empty()) return;
    for (const Setting& setting : put_back_) static_cast<void>(write_if_other(setting)); // an interface may have gone
    static_cast<void>(system::remove_file(restore_file_));
}

} // namespace vpn::server
