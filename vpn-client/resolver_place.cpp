#include "vpn-client/resolver_place.hpp"

#include "common/system/files.hpp"
#include "common/system/os_error.hpp"
#include "vpn-client/connection_name.hpp"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace vpn::client {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view resolver_file = "/etc/resolv.conf";
constexpr std::string_view name_switch_file = "/etc/nsswitch.conf";
constexpr unsigned for_all_to_read = 0644;
constexpr ByteCount most_mounts{std::size_t{1} << 20U};
/// Where daemons wait that would resolve names outside. Ours is among them, for nothing in there is to steer connections.
constexpr std::array<std::string_view, 4> hidden{"/run/systemd/resolve", "/run/nscd", "/run/avahi-daemon", run_directory};

Result<void> cover(const std::string& directory) {
    if (::mount("tmpfs", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=256k") != 0)
        return failed("cannot cover " + directory + ": " + system::errno_text(errno));
    return {};
}

Result<void> write(const fs::path& path, std::string_view text) {
    if (auto written = system::write_file(path.string(), text, for_all_to_read); !written) return failed(written.error().message);
    return {};
}

/// Where links lead, though there may be nothing: what they lead to may just have been covered.
fs::path leads_to(fs::path path) {
    constexpr int links_at_most = 8;
    std::error_code error;
    for (int i = 0; i < links_at_most && fs::is_symlink(path, error); ++i) {
        const fs::path target = path.parent_path() / fs::read_symlink(path, error);
        path = fs::weakly_canonical(target.parent_path(), error) / target.filename();
    }
    return path;
}

/// From now on what is written into /etc is seen in here alone, and what others write to the same files outside is not: a mount
/// over one file would be gone as soon as somebody outside puts another in that one's place. False where other things are mounted
/// in /etc, as containers have it (nobody can replace those), or the kernel can't.
bool own_etc() {
    const auto mounts = system::read_file("/proc/self/mounts", most_mounts);
    if (!mounts || mounts->find(" /etc/") != std::string::npos) return false;
    const std::string upper = std::string(run_directory) + "/etc";
    const std::string work = std::string(run_directory) + "/etc-work";
    if (!system::ensure_directory(upper, 0755) || !system::ensure_directory(work, 0755)) return false;
    const std::string options = "lowerdir=/etc,upperdir=" + upper + ",workdir=" + work;
    return ::mount("overlay", "/etc", "overlay", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
}

/// `text` is seen where `path` leads, whatever is there.
Result<void> show_over(std::string_view path, std::string_view text) {
    std::error_code error;
    const fs::path place = leads_to(fs::path(path));
    if (!fs::exists(place, error)) {
        // A link into what has been covered: there is room for the file itself.
        if (std::ranges::find(hidden, place.parent_path().string()) != hidden.end()) return write(place, text);
        return failed("there is no " + std::string(path) + " to take the place of: make an empty one");
    }
    const fs::path ours = fs::path(run_directory) / place.filename();
    if (auto written = write(ours, text); !written) return written;
    if (::mount(ours.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0)
        return failed("cannot take the place of " + place.string() + ": " + system::errno_text(errno));
    return {};
}

} // namespace

std::string resolver_text(const std::vector<IpAddress>& servers, const std::vector<std::string>& search) {
    std::string text;
    for (const IpAddress& server : servers) text += "nameserver " + server.to_string() + '\n';
    if (servers.empty() || search.empty()) return text;
    text += "search";
    for (const std::string& domain : search) text += ' ' + domain;
    return text + '\n';
}

std::string name_switch_text(std::string_view present) {
    constexpr std::string_view hosts = "hosts:";
    std::string text;
    while (!present.empty()) {
        const std::string_view line = present.substr(0, std::min(present.find('\n'), present.size() - 1) + 1);
        present.remove_prefix(line.size());
        if (!line.starts_with(hosts)) text += line;
    }
    if (!text.empty() && text.back() != '\n') text += '\n';
    return text.append(hosts).append(" files dns\n");
}

Result<void> place_resolver(std::string_view text) {
    for (const std::string_view directory : hidden) {
        std::error_code error;
        if (!fs::is_directory(directory, error)) continue;
        if (auto covered = cover(std::string(directory)); !covered) return covered;
    }
    const bool alone = own_etc();
    const auto show = [alone](std::string_view path, std::string_view what) {
        return alone ? write(fs::path(path), what) : show_over(path, what);
    };
    if (const auto present = system::read_file(std::string(name_switch_file)))
        if (auto shown = show(name_switch_file, name_switch_text(*present)); !shown) return shown;
    return text.empty() ? Result<void>() : show(resolver_file, text);
}

} // namespace vpn::client
