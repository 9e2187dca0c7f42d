#include "vpn-client/status.hpp"

#include "common/system/progress.hpp"
#include "common/system/terminal.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/status_text.hpp"
#include "vpn-client/stop_signal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>

namespace vpn::client {
namespace {

using config::Json;
using system::ExitCode;

constexpr int between_samples = 250; // milliseconds
constexpr int between_redraws = 1000;
/// Until whoever is inside has answered, or has had his time to.
constexpr int between_looks = 50;
constexpr int looks = 80;
/// Of the graph.
constexpr std::size_t samples_shown = 60;

/// All connections that were asked for, at one moment.
struct Sample {
    std::map<std::string, Result<Report, DaemonError>> reports;

    [[nodiscard]] const Report* find(const std::string& name) const {
        const auto found = reports.find(name);
        return found != reports.end() && found->second ? &*found->second : nullptr;
    }
    [[nodiscard]] ExitCode code() const {
        if (reports.empty()) return ExitCode::not_running;
        for (const auto& [name, report] : reports)
            if (!report) return code_of(report.error());
        const bool all = std::ranges::all_of(reports, [](const auto& each) { return each.second->state == State::connected; });
        return all ? ExitCode::ok : ExitCode::no_tunnel;
    }
};

/// What keeps a machine offline on which nothing runs: locks that outlived their connections, a line each.
std::string locks_left() {
    std::string text;
    auto nftables = system::Nftables::open();
    if (!nftables) return text;
    const std::vector<std::string> running = running_connections();
    for (const std::string& name : standing_locks(*nftables))
        if (std::ranges::find(running, name) == running.end())
            text.append("\n  The lock of ")
                .append(name)
                .append(" is shut all the same, on purpose: to open it, vpn-client disconnect ")
                .append(name);
    return text;
}

Sample take_sample(const std::optional<std::string>& name) {
    Sample sample;
    for (const std::string& each : name ? std::vector{*name} : running_connections())
        sample.reports.emplace(each, ask_for_report(each));
    return sample;
}

/// Looks again while somebody inside is being asked.
Sample take_measured_sample(const std::optional<std::string>& name) {
    const system::Progress progress("asking how it goes");
    Sample sample = take_sample(name);
    const auto measuring = [](const auto& each) { return each.second && each.second->measuring; };
    for (int look = 1; look < looks && std::ranges::any_of(sample.reports, measuring); ++look) {
        ::poll(nullptr, 0, between_looks);
        sample = take_sample(name);
    }
    return sample;
}

/// For scripts, as `connect` tells it: behind all else that is said.
void say_reasons(const Sample& sample) {
    for (const auto& [name, report] : sample.reports)
        if (report && !report->reason.empty()) std::cerr << "reason=" << report->reason << '\n';
}

/// What passed between the last looks at each connection.
using History = std::map<std::string, std::vector<Traffic>>;

void remember(History& history, const Sample& earlier, const Sample& now) {
    for (const auto& [name, report] : now.reports) {
        const Report* before = earlier.find(name);
        if (!report || before == nullptr) continue;
        std::vector<Traffic>& of_it = history[name];
        if (of_it.size() == samples_shown) of_it.erase(of_it.begin());
        of_it.push_back(traffic_between(*before, *report));
    }
}

std::string text_of(const Sample& earlier, const Sample& now, bool colour, const History& history = {}) {
    if (now.reports.empty()) return "nothing is connected\n";
    std::string text;
    for (const auto& [name, report] : now.reports) {
        if (!text.empty()) text += '\n';
        const Report* before = earlier.find(name);
        if (report)
            text += status_text(*report, before == nullptr ? Traffic{} : traffic_between(*before, *report), colour);
        else
            text += report.error().message + '\n';
        if (const auto found = history.find(name); report && found != history.end()) text += rate_graph(found->second);
    }
    return text;
}

Json json_of(const std::string& name, const Result<Report, DaemonError>& report) {
    if (report) return to_json(*report);
    const bool runs = report.error().kind != DaemonError::Kind::not_running;
    return Json::object(
        {{"version", 1}, {"name", name}, {"state", runs ? "unknown" : "not-running"}, {"because", report.error().message}});
}

Json json_of(const Sample& sample, bool only_one) {
    if (only_one) return json_of(sample.reports.begin()->first, sample.reports.begin()->second);
    Json list = Json::array();
    for (const auto& [name, report] : sample.reports) list.push(json_of(name, report));
    return Json::object({{"version", 1}, {"connections", std::move(list)}});
}

/// A picture over the one before it: no line is cleared before it is written again. What does not fit the terminal is cut off.
class Canvas {
  public:
    void draw(const std::string& text) {
        std::string out = no_wrap;
        if (lines_ > 0) out += "\x1b[" + std::to_string(lines_) + "A\r";
        lines_ = 0;
        const std::size_t room = rows() - 1;
        for (std::size_t from = 0; from < text.size() && lines_ < room; ++lines_) {
            const std::size_t end = std::min(text.find('\n', from), text.size());
            out += text.substr(from, end - from) + clear_rest_of_line + '\n';
            from = end + 1;
        }
        std::cout << out << clear_below << wrap << std::flush;
    }

  private:
    static constexpr auto no_wrap = "\x1b[?7l";
    static constexpr auto wrap = "\x1b[?7h";
    static constexpr auto clear_rest_of_line = "\x1b[K";
    static constexpr auto clear_below = "\x1b[J";

    static std::size_t rows() {
        winsize size{};
        return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : 1000;
    }

    std::size_t lines_ = 0;
};

ExitCode watch(const StatusCommand& command, const std::optional<std::string>& name) {
    const StopSignal stop;
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    const bool colour = system::wants_colour(STDOUT_FILENO);
    Canvas canvas;
    Sample earlier;
    History history;
    for (;;) {
        Sample now = take_sample(name);
        remember(history, earlier, now);
        if (command.json)
            std::cout << format(json_of(now, name.has_value())) << '\n' << std::flush;
        else if (terminal)
            canvas.draw(text_of(earlier, now, colour, history));
        else
            std::cout << text_of(earlier, now, colour) << '\n' << std::flush;
        pollfd watched{stop.fd(), POLLIN, 0};
        if (!std::cout || ::poll(&watched, 1, between_redraws) != 0) return now.code();
        earlier = std::move(now);
    }
}

ExitCode once(const StatusCommand& command, const std::optional<std::string>& name) {
    const Sample earlier = take_sample(name);
    if (!command.json && (earlier.code() == ExitCode::ok || earlier.code() == ExitCode::no_tunnel))
        ::poll(nullptr, 0, between_samples);
    const Sample now = take_measured_sample(name);
    if (command.json) {
        std::cout << format(json_of(now, name.has_value()), config::Layout::pretty) << '\n';
        say_reasons(now);
        return now.code();
    }
    for (const auto& [each, report] : now.reports)
        if (!report && name) return complain({code_of(report.error()), report.error().message + locks_left(), std::nullopt});
    if (now.reports.empty()) return complain({ExitCode::not_running, "nothing is connected" + locks_left(), std::nullopt});
    std::cout << text_of(earlier, now, system::wants_colour(STDOUT_FILENO)) << std::flush;
    say_reasons(now);
    return now.code();
}

} // namespace

ExitCode status(const StatusCommand& command) {
    std::optional<std::string> name;
    if (command.name) {
        const auto parsed = parse_connection_name(*command.name);
        if (!parsed) return complain(parsed.error());
        name = parsed->name;
    }
    return command.watch ? watch(command, name) : once(command, name);
}

} // namespace vpn::client
