#include "vpn-client/dns/resolvconf.hpp"

#include "common/config/error.hpp"
#include "common/system/command.hpp"
#include "vpn-client/dns/resolv_conf.hpp"

#include <chrono>
#include <filesystem>

namespace vpn::client {
namespace {

constexpr std::string_view program = "resolvconf";
/// openresolv waits ten seconds for its turn.
constexpr std::chrono::seconds patience{15};

} // namespace

ResolvconfKind find_resolvconf() {
    const std::string path = system::find_program(program);
    std::error_code none;
    if (path.empty() || std::filesystem::canonical(path, none).filename() == "resolvectl") return ResolvconfKind::none;
    const auto version = system::run_command({path, "--version"}, {}, patience);
    if (!version || version->code != 0) return ResolvconfKind::none;
    return version->said.starts_with("openresolv") ? ResolvconfKind::openresolv : ResolvconfKind::other;
}

std::string resolvconf_record(std::string_view interface) { return "vpn." + std::string(interface); }

Result<void> tell_resolvconf(ResolvconfKind kind, const std::string& record, const DnsPlan& plan) {
    const std::string path = system::find_program(program);
    std::vector<std::string> words{path, "-a", record};
    if (kind == ResolvconfKind::openresolv && plan.full_tunnel) words.emplace_back("-x");
    // Only our own part: it knows those of the others.
    const auto done = system::run_command(words, format_resolv_conf(plan, record, {}), patience);
    if (!done) return failed(done.error().message);
    if (done->code != 0) return failed(path + " refused our name servers: " + config::printable(done->said, 256));
    return {};
}

void forget_resolvconf(const std::string& record) {
    const std::string path = system::find_program(program);
    if (!path.empty()) static_cast<void>(system::run_command({path, "-d", record, "-f"}, {}, patience));
}

} // namespace vpn::client
