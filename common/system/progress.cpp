#include "common/system/progress.hpp"

#include "common/system/clocks.hpp"
#include "common/system/escape.hpp"
#include "common/system/signals_blocked.hpp"
#include "common/system/unique_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>

namespace vpn::system {
namespace {

using namespace std::chrono_literals;

/// What is over sooner is not worth a flicker.
constexpr auto until_shown = 500ms;
constexpr auto between_looks = 1s;
constexpr std::string_view erased = "\r\x1b[K";

/// What the kernel says of the process whose the terminal is. None: it is this one's.
UniqueFd& terminals_owner() {
    static UniqueFd stat;
    return stat;
}

bool can_erase(int fd) {
    const char* terminal = std::getenv("TERM");
    return ::isatty(fd) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::size_t columns_of(int fd) {
    constexpr std::size_t usual = 80;
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

/// The process's group is the one in front at its terminal, and it runs (proc_pid_stat(5)). False once it has ended.
bool is_in_front(int stat) {
    std::array<char, 1024> buffer{};
    const ssize_t size = ::pread(stat, buffer.data(), buffer.size(), 0);
    const std::string text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    std::istringstream behind_name(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    char state = 0;
    long parent = 0;
    long group = 0;
    long session = 0;
    long terminal = 0;
    long in_front = 0;
    return (behind_name >> state >> parent >> group >> session >> terminal >> in_front) && state != 'T' && group == in_front;
}

/// Not while another job of the shell has it, after Ctrl-Z or `&`; nor while it is held, after Ctrl-S: a write would wait for
/// that.
bool may_write(int fd) {
    const UniqueFd& owner = terminals_owner();
    const pid_t in_front = ::tcgetpgrp(fd);
    const bool ours = owner ? is_in_front(owner.get()) : in_front < 0 || in_front == ::getpgrp();
    pollfd room{fd, POLLOUT, 0};
    return ours && ::poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0;
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
        const SignalsBlocked inherited;
        try {
            thread_ = std::thread([this] { show(); });
        } catch (const std::system_error&) { // it is no reason not to go on
        }
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
        if (shown_) static_cast<void>(write(erased));
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
            shown_ |= write(std::string("\r") + progress_line(what_, system::now().boot - since_, columns_of(fd_)) + "\x1b[K");
            changed_.wait_for(guard, between_looks);
        }
    }
    /// False if it is not ours to write to; a terminal that is gone is nobody's loss.
    bool write(std::string_view text) const {
        return may_write(fd_) && ::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
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

void Progress::show_beside(pid_t owner) {
    terminals_owner() = UniqueFd(::open(("/proc/" + std::to_string(owner) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
}

void Progress::now(std::string what) {
    if (line_) line_->now(std::move(what));
}

} // namespace vpn::system
