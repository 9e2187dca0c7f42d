#include "vpn-client/hooks.hpp"

#include "common/system/child_process.hpp"
#include "vpn-client/complaint.hpp"

#include <algorithm>
#include <iterator>

namespace vpn::client {
namespace {

using system::ExitCode;

constexpr Duration time_for_down = std::chrono::seconds(10);
/// Nobody serves the tunnel meanwhile, and after this time a session has to be renewed.
constexpr Duration time_for_up = std::chrono::minutes(2);
constexpr Duration slow_after = std::chrono::seconds(10);

/// As root has it who has just logged in; wg-quick speaks C, too.
system::ChildSurroundings surroundings() {
    system::ChildSurroundings plain;
    plain.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root",
                         "LOGNAME=root", "LC_ALL=C"};
    return plain;
}

std::string_view key_of(Hooks::Moment moment) {
    switch (moment) {
    case Hooks::Moment::pre_up: return "PreUp";
    case Hooks::Moment::post_up: return "PostUp";
    case Hooks::Moment::pre_down: return "PreDown";
    case Hooks::Moment::post_down: break;
    }
    return "PostDown";
}

std::string called(const config::WgQuickLine& line) { return line.key + " at line " + std::to_string(line.line); }

} // namespace

std::string with_interface(std::string_view command, std::string_view interface) {
    constexpr std::string_view placeholder = "%i";
    std::string text;
    for (std::size_t at = command.find(placeholder); at != std::string_view::npos; at = command.find(placeholder)) {
        text.append(command.substr(0, at)).append(interface);
        command.remove_prefix(at + placeholder.size());
    }
    return text.append(command);
}

std::vector<config::WgQuickLine> Hooks::of(Moment moment) const {
    std::vector<config::WgQuickLine> chosen;
    std::ranges::copy_if(lines_, std::back_inserter(chosen),
                         [moment](const config::WgQuickLine& line) { return line.key == key_of(moment); });
    return chosen;
}

std::vector<std::string> Hooks::words_for(const config::WgQuickLine& line) const {
    return {"/bin/bash", "-e", "-o", "pipefail", "-O", "extglob", "-c", with_interface(line.value, interface_)};
}

Granted<void> Hooks::run_up(Moment moment, const StopSignal& stop, const system::Logger& log) const {
    for (const config::WgQuickLine& line : of(moment)) {
        log.info("hook", {{"key", line.key}, {"line", line.line}});
        system::ChildSurroundings around = surroundings();
        around.slow_after = slow_after;
        around.slow = [&line] {
            say_notes(
                {called(line) + " still runs after ten seconds; it is ended after two minutes: " + config::quote(line.value)});
        };
        const auto end = system::run_to_end(words_for(line), time_for_up, stop.fd(), around);
        if (!end) return refuse(ExitCode::failure, called(line) + ": " + end.error().message);
        if (!end->fine())
            return refuse(ExitCode::failure, called(line) + " failed (" + end->text() + "): " + config::quote(line.value) +
                                                 "; everything was put back");
    }
    return {};
}

void Hooks::run_down(Moment moment, const system::Logger& log) const {
    for (const config::WgQuickLine& line : of(moment)) {
        log.info("hook", {{"key", line.key}, {"line", line.line}});
        const auto end = system::run_to_end(words_for(line), time_for_down, -1, surroundings());
        if (!end || !end->fine())
            log.warn("hook-failed", {{"key", line.key}, {"line", line.line}, {"why", end ? end->text() : end.error().message}});
    }
}

} // namespace vpn::client
