#include "common/system/progress.hpp"

#include "common/system/clocks.hpp"
#include "common/system/escape.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>

namespace vpn::system {
namespace {

using namespace std::chrono_literals;

/// What is over sooner is not worth a flicker.
constexpr auto until_shown = 500ms;
constexpr auto between_looks = 1s;
constexpr std::string_view erased = "\r\x1b[K";

bool can_erase(int fd) {
    const char* terminal = std::getenv("TERM");
    return ::isatty(fd) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::size_t columns_of(int fd) {
    constexpr std::size_t usual = 80;
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

} // namespace

std::string progress_line(std::string_view what, Duration since, std::size_t columns) {
    std::string line = escaped(what);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    if (seconds > 0) line += " (" + std::to_string(seconds) + " s)";
    line.resize(std::min(line.size(), std::max<std::size_t>(columns, 1) - 1)); // the last column would begin another line
    return line;
}

class Progress::Line {
  public:
    Line(std::string what, int fd) : fd_(fd), what_(std::move(what)), since_(system::now().boot) {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before); // signals are for the one who waits
        try {
            thread_ = std::thread([this] { show(); });
        } catch (const std::system_error&) { // it is no reason not to go on
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() {
        {
            const std::lock_guard guard(lock_);
            over_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
        if (shown_) write(erased);
    }

    void now(std::string what) {
        {
            const std::lock_guard guard(lock_);
            what_ = std::move(what);
            since_ = system::now().boot;
        }
        changed_.notify_all();
    }

  private:
    void show() {
        std::unique_lock guard(lock_);
        if (changed_.wait_for(guard, until_shown, [this] { return over_; })) return;
        while (!over_) {
            shown_ = true;
            write(std::string("\r") + progress_line(what_, system::now().boot - since_, columns_of(fd_)) + "\x1b[K");
            changed_.wait_for(guard, between_looks);
        }
    }
    void write(std::string_view text) const {
        [[maybe_unused]] const auto written = ::write(fd_, text.data(), text.size()); // a terminal that is gone is nobody's loss
    }

    int fd_;
    std::mutex lock_;
    std::condition_variable changed_;
    std::string what_;
    Boot since_;
    bool over_ = false;
    bool shown_ = false; ///< the thread's, until it has ended
    std::thread thread_;
};

Progress::Progress(std::string what, int fd) : line_(can_erase(fd) ? std::make_unique<Line>(std::move(what), fd) : nullptr) {}

Progress::~Progress() = default;

void Progress::now(std::string what) {
    if (line_) line_->now(std::move(what));
}

} // namespace vpn::system
