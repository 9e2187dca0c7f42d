#include "vpn-client/hook_keeper.hpp"

#include "vpn-client/complaint.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

namespace vpn::client {
namespace {

using system::ExitCode;

/// What a hook that is ended may still take, and a busy machine.
constexpr Duration grace = std::chrono::seconds(5);

constexpr std::string_view nobody = "the process that runs hooks was ended by somebody";

} // namespace

HookKeeper::HookKeeper(boost::asio::io_context& loop, system::EventLoop& events, HookRunner runner, system::Logger log)
    : events_(events), runner_(std::move(runner)), log_(std::move(log)), too_long_(loop) {
    if (!runner_.gone()) watch_.emplace(loop, runner_.fd(), [this] { handle_news(); });
}

void HookKeeper::begin(HookMoment moment) {
    failure_.reset();
    const auto count = std::ranges::count(runner_.hooks(), moment, &Hook::moment);
    if (count == 0) return;
    next_ = 0;
    moment_ = moment;
    wait_at_most(count * (time_for(moment) + grace));
    if (!runner_.run(moment)) handle_gone();
}

/// One that hangs, or was stopped by somebody, must not keep the connection from its end.
void HookKeeper::wait_at_most(Duration time) {
    too_long_.expires_after(time);
    too_long_.async_wait([this](const boost::system::error_code& error) {
        if (error || !moment_ || too_long_.expiry() > std::chrono::steady_clock::now()) return;
        runner_.give_up();
        handle_gone();
    });
}

Granted<void> HookKeeper::run_up(HookMoment moment, const std::function<bool()>& wanted) {
    begin(moment);
    for (bool told = false; moment_.has_value();) {
        if (!told && !wanted()) {
            told = true;
            runner_.end();
        }
        events_.run_one();
    }
    if (failure_) return refuse(ExitCode::failure, *failure_);
    return {};
}

void HookKeeper::run_down(HookMoment moment) noexcept {
    const auto carefully = [&](auto act) {
        try {
            act();
        } catch (const std::exception& error) {
            log_.error("trouble-beside-hooks", {{"key", key_of(moment)}, {"why", error.what()}});
        }
    };
    carefully([&] { begin(moment); });
    while (moment_) carefully([&] { events_.run_one(); });
}

std::string HookKeeper::running() const {
    if (running_) return name_of(*running_);
    return moment_ ? std::string(key_of(*moment_)) : "";
}

void HookKeeper::handle_news() {
    while (const auto news = runner_.next_news()) handle_news(*news);
    if (runner_.gone()) handle_gone();
}

void HookKeeper::handle_news(const HookNews& news) {
    using Kind = HookNews::Kind;
    if (news.kind == Kind::over) {
        moment_.reset();
        too_long_.cancel();
        return;
    }
    const Hook& hook = runner_.hooks().at(news.hook);
    if (news.kind == Kind::begun) {
        running_ = hook;
        next_ = news.hook + 1;
        log_.info("hook", {{"key", key_of(hook.moment)}, {"line", hook.line}});
        return;
    }
    if (news.kind == Kind::slow)
        return say_notes(
            {name_of(hook) + " still runs after ten seconds; it is ended after two minutes: " + config::quote(hook.command)});
    running_.reset();
    if (news.kind == Kind::fine) return;
    if (!goes_up(hook.moment))
        return log_.warn("hook-failed", {{"key", key_of(hook.moment)}, {"line", hook.line}, {"why", news.text}});
    failure_ = news.kind == Kind::not_started
                   ? name_of(hook) + ": " + news.text
                   : name_of(hook) + " failed (" + news.text + "): " + config::quote(hook.command) + "; everything was put back";
}

/// From now on nobody runs hooks. What that costs is told when it is known: of a moment that is on now, of others in their time.
void HookKeeper::handle_gone() {
    watch_.reset();
    too_long_.cancel();
    runner_.give_up(); // buried
    const auto moment = std::exchange(moment_, std::nullopt);
    const auto cut_off = std::exchange(running_, std::nullopt);
    if (!moment) return log_.error("hooks-process-gone", {{"why", nobody}});
    if (cut_off) {
        log_.warn("hook-unwatched", {{"key", key_of(cut_off->moment)}, {"line", cut_off->line}, {"why", nobody}});
        failure_ = name_of(*cut_off) + ": " + std::string(nobody) + "; everything was put back";
    }
    const auto& hooks = runner_.hooks();
    for (std::size_t i = next_; i < hooks.size(); ++i) {
        if (hooks[i].moment != *moment) continue;
        log_.warn("hook-not-run", {{"key", key_of(hooks[i].moment)}, {"line", hooks[i].line}, {"why", nobody}});
        if (!failure_) failure_ = name_of(hooks[i]) + " was not run: " + std::string(nobody) + "; everything was put back";
    }
}

} // namespace vpn::client
