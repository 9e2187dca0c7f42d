#include "vpn-server/service_unit.hpp"

#include "common/system/command.hpp"
#include "common/system/progress.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string>

namespace vpn::server {
namespace {

constexpr std::array<std::string_view, 4> unit_directories{"/etc/systemd/system/", "/usr/local/lib/systemd/system/",
                                                           "/usr/lib/systemd/system/", "/lib/systemd/system/"};
/// The unit says itself when it is ready, and systemd gives it 90 seconds for that.
constexpr std::chrono::seconds patience{100};

Result<void> tell_systemd(const std::string& systemctl, const std::string& what) {
    const system::Progress progress("waiting for systemctl " + what + " " + std::string(unit_name));
    const auto done = system::run_command({systemctl, what, std::string(unit_name)}, "", patience);
    if (!done) return failed(done.error().message);
    if (done->code != 0) return failed("`systemctl " + what + " " + std::string(unit_name) + "` failed: " + done->said);
    return {};
}

} // namespace

bool unit_is_installed() {
    return std::ranges::any_of(unit_directories, [](std::string_view directory) {
        std::error_code error;
        return std::filesystem::is_regular_file(std::string(directory) + std::string(unit_name), error);
    });
}

bool systemd_runs() {
    std::error_code error;
    return std::filesystem::is_directory(std::filesystem::symlink_status("/run/systemd/system", error));
}

Result<void> enable_unit() {
    const std::string systemctl = system::find_program("systemctl");
    if (systemctl.empty()) return failed("there is no systemctl");
    if (auto enabled = tell_systemd(systemctl, "enable"); !enabled) return enabled;
    return tell_systemd(systemctl, "restart");
}

} // namespace vpn::server
