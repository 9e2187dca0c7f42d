// On a real terminal, or at least its other end.
#include "common/system/progress.hpp"
#include "common/system/unique_fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <string>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;

namespace {

struct Terminal {
    UniqueFd screen{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    UniqueFd end;

    Terminal() {
        REQUIRE(::grantpt(screen.get()) == 0);
        REQUIRE(::unlockpt(screen.get()) == 0);
        end = UniqueFd(::ioctl(screen.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(end);
    }
    [[nodiscard]] bool has_text() const {
        pollfd watched{screen.get(), POLLIN, 0};
        return ::poll(&watched, 1, 0) > 0;
    }
    std::string read_until(std::string_view wanted) const {
        std::string all;
        std::array<char, 256> piece{};
        while (all.find(wanted) == std::string::npos) {
            const ssize_t got = ::read(screen.get(), piece.data(), piece.size());
            REQUIRE(got > 0);
            all.append(piece.data(), static_cast<std::size_t>(got));
        }
        return all;
    }
};

} // namespace

TEST_CASE("a line of progress tells what and, after a second, how long, and never fills the terminal's line") {
    CHECK(progress_line("looking", 999ms, 80) == "looking");
    CHECK(progress_line("looking", 1s, 80) == "looking (1 s)");
    CHECK(progress_line("looking", 125s, 80) == "looking (125 s)");
    CHECK(progress_line("looking", 1s, 8) == "looking");
    CHECK(progress_line("looking", 1s, 4) == "loo");
    CHECK(progress_line("looking", 1s, 0).empty());
}

TEST_CASE("what takes a moment is shown on a terminal, and erased when it is over") {
    const Terminal terminal;
    std::optional<Progress> progress(std::in_place, "asking the first", terminal.end.get());
    CHECK(terminal.read_until("first").starts_with("\rasking the first"));
    progress->now("asking the second");
    CHECK(terminal.read_until("second").find("\rasking the second") != std::string::npos);
    progress.reset();
    CHECK(terminal.read_until("\r\x1b[K").ends_with("\r\x1b[K"));
    CHECK_FALSE(terminal.has_text());
}

TEST_CASE("what is over at once shows nothing, and neither does anything where nobody looks") {
    const Terminal terminal;
    { const Progress progress("asking", terminal.end.get()); }
    CHECK_FALSE(terminal.has_text());
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    {
        const UniqueFd writing(ends[1]);
        const Progress piped("asking", writing.get());
        // Longer than it takes to be shown: a terminal, which began after it, shows something.
        const Progress seen("asking", terminal.end.get());
        CHECK_FALSE(terminal.read_until("asking").empty());
    }
    char byte = 0;
    CHECK(::read(reading.get(), &byte, 1) == 0);
}
