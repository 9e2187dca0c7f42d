// EXPERIENCE "Logs are one line an event", "12 seconds ago", NO_COLOR; THREATS "escape codes in names".
#include "common/base/ip.hpp"
#include "common/system/escape.hpp"
#include "common/system/log.hpp"
#include "common/system/terminal.hpp"
#include "common/system/unique_fd.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;

namespace {

/// What `body` writes to standard error. With `as_journal`, JOURNAL_STREAM names that stream.
std::string stderr_of(const std::function<void()>& body, bool as_journal = false) {
    const test::Scratch scratch;
    const int before = ::dup(STDERR_FILENO);
    const int file = ::open(scratch.file("out").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    struct stat status {};
    ::fstat(file, &status);
    ::unsetenv("JOURNAL_STREAM");
    if (as_journal) ::setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino)).c_str(), 1);
    ::dup2(file, STDERR_FILENO);
    body();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(file);
    ::unsetenv("JOURNAL_STREAM");
    std::ostringstream text;
    text << std::ifstream(scratch.file("out")).rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("text from elsewhere can't move the cursor, end the line or pretend") {
    CHECK(escaped("laptop-1_ok") == "laptop-1_ok");
    CHECK(escaped("Zürich 東京 🦊") == "Zürich 東京 🦊");
    CHECK(escaped("a\nb\tc\rd") == "a\\nb\\tc\\rd");
    CHECK(escaped("\x1b[2J") == "\\x1b[2J");
    CHECK(escaped(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
    CHECK(escaped("back\\slash") == "back\\\\slash");
    CHECK(escaped("\xc2\x9b"
                  "31m") == "\\u{009b}31m"); // CSI in one code point
    CHECK(escaped("\xe2\x80\xae"
                  "gnp.exe") == "\\u{202e}gnp.exe"); // right to left from here
    CHECK(escaped("a\xe2\x80\x8b"
                  "b") == "a\\u{200b}b");          // zero width
    CHECK(escaped("\xe2\x80\xa8") == "\\u{2028}"); // line separator
}

TEST_CASE("bytes that are no UTF-8 are shown as bytes") {
    CHECK(escaped("\xff\xfe") == "\\xff\\xfe");
    CHECK(escaped("\xc0\xaf") == "\\xc0\\xaf");                   // overlong
    CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");          // surrogate
    CHECK(escaped("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80"); // beyond Unicode
    CHECK(escaped("ok\xe2\x82") == "ok\\xe2\\x82");               // cut off
    CHECK(escaped("\xe2\x82"
                  "a") == "\\xe2\\x82"
                          "a");
}

TEST_CASE("a value is quoted when it would not stand for itself") {
    CHECK(quoted_if_needed("laptop") == "laptop");
    CHECK(quoted_if_needed("[2001:db8::1]:51820") == "[2001:db8::1]:51820");
    CHECK(quoted_if_needed("") == "\"\"");
    CHECK(quoted_if_needed("two words") == "\"two words\"");
    CHECK(quoted_if_needed("a=b") == "\"a=b\"");
    CHECK(quoted_if_needed("say \"hi\"") == "\"say \\\"hi\\\"\"");
    CHECK(quoted_if_needed("x\ny=z") == "\"x\\ny=z\"");
}

TEST_CASE("an event is one line of key=value") {
    const IpAddress address = IpAddress::parse("192.0.2.1").value();
    CHECK(format_event("connected", {{"peer", "my laptop"}, {"endpoint", address}, {"packets", 7U}, {"first", true}}) ==
          "connected peer=\"my laptop\" endpoint=192.0.2.1 packets=7 first=yes");
    CHECK(format_event("forged\nlevel=error", {{"name", "a\x1b]0;b\x07"}}) == "forged\\nlevel=error name=a\\x1b]0;b\\x07");
    CHECK(format_event("quiet", {}) == "quiet");
}

TEST_CASE("the journal gets an event's line, its priority, and each value under a name of its own") {
    const std::vector<std::string> entry = journal_fields(LogLevel::warn, "vpn-server", "wrong-suite",
                                                          {{"peer", "my \"laptop\"\n"}, {"public_key", "x=y"}, {"n-1", 7}});
    CHECK(entry == std::vector<std::string>{"MESSAGE=wrong-suite peer=\"my \\\"laptop\\\"\\n\" public_key=\"x=y\" n-1=7",
                                            "PRIORITY=4", "SYSLOG_FACILITY=3", "SYSLOG_IDENTIFIER=vpn-server",
                                            "VPN_EVENT=wrong-suite", "VPN_PEER=my \"laptop\"\n", "VPN_PUBLIC_KEY=x=y",
                                            "VPN_N_1=7"});
    const std::vector<LogLevel> levels{LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug};
    std::string priorities;
    for (const LogLevel level : levels) priorities += journal_fields(level, "p", "e", {}).at(1);
    CHECK(priorities == "PRIORITY=3PRIORITY=4PRIORITY=6PRIORITY=7");
}

TEST_CASE("a terminal or file gets a time and a level, the journal without its socket a priority") {
    const auto log_all = [] {
        const Logger log(LogLevel::debug, LogTarget::standard_error, "test");
        log.error("e");
        log.warn("w", {{"key", "{} %s"}});
        log.info("i");
        log.debug("d");
    };
    std::string plain = stderr_of(log_all);
    std::ranges::replace_if(
        plain, [](char c) { return c >= '0' && c <= '9'; }, '9');
    const std::string time = "9999-99-99T99:99:99.999Z ";
    CHECK(plain == time + "error e\n" + time + "warn w key=\"{} %s\"\n" + time + "info i\n" + time + "debug d\n");
    test::with_own_mounts([&] {
        test::shell("mount -t tmpfs tmpfs /run"); // a machine's own journal is not asked
        CHECK(stderr_of(log_all, true) == "<3>e\n<4>w key=\"{} %s\"\n<6>i\n<7>d\n");
    });
}

TEST_CASE("an event goes to the journal's socket and not to standard error, and to standard error once that is gone") {
    test::with_own_mounts([] {
        test::shell("mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(std::string_view("/run/systemd/journal/socket"), address.sun_path);
        UniqueFd journal(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(::bind(journal.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        const std::string text = stderr_of(
            [&] {
                const Logger log(LogLevel::info, LogTarget::standard_error, "test");
                log.info("came", {{"peer", "laptop"}});
                log.debug("unseen");
                std::string entry(4096, '\0');
                entry.resize(
                    static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(journal.get(), entry.data(), entry.size(), 0))));
                CHECK(entry == "MESSAGE=came peer=laptop\nPRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=test\n"
                               "VPN_EVENT=came\nVPN_PEER=laptop\n");
                CHECK(::recv(journal.get(), entry.data(), 1, 0) < 0);
                journal.reset();
                log.warn("went", {{"peer", "laptop"}});
            },
            true);
        CHECK(text == "<4>went peer=laptop\n");
    });
}

TEST_CASE("what is below the level is not written") {
    const std::string text = stderr_of(
        [] {
            const Logger log(LogLevel::warn, LogTarget::standard_error, "test");
            CHECK(log.enabled(LogLevel::error));
            CHECK_FALSE(log.enabled(LogLevel::info));
            const std::vector<Logger> copies(2, log);
            copies.back().info("unseen");
            copies.front().warn("seen");
            log.debug("unseen");
        },
        true);
    CHECK(text == "<4>seen\n");
    for (const char* name : {"error", "warn", "info", "debug"}) CHECK(to_string(parse_log_level(name).value()) == name);
    for (const char* name : {"", "WARN", "warning", "trace", "info "}) CHECK_FALSE(parse_log_level(name).has_value());
}

TEST_CASE("a log that can't be written disturbs nobody") {
    const int before = ::dup(STDERR_FILENO);
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    ::dup2(full, STDERR_FILENO);
    const Logger log(LogLevel::debug, LogTarget::standard_error, "test");
    for (int i = 0; i < 3; ++i) log.info("lost");
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(full);
}

TEST_CASE("ages and durations are said in the two largest units") {
    CHECK(format_age(0s) == "now");
    CHECK(format_age(-5s) == "now");
    CHECK(format_age(1s) == "1 second ago");
    CHECK(format_age(12s + 900ms) == "12 seconds ago");
    CHECK(format_age(60s) == "1 minute ago");
    CHECK(format_age(2min + 5s) == "2 minutes 5 seconds ago");
    CHECK(format_duration(3h + 59s) == "3 hours");
    CHECK(format_duration(25h) == "1 day 1 hour");
    CHECK(format_duration(24h * 400) == "400 days");
    CHECK(format_duration(999ms) == "less than a second");
}

TEST_CASE("sizes and rates have three digits at most and the right unit") {
    CHECK(format_bytes(ByteCount{0}) == "0 B");
    CHECK(format_bytes(ByteCount{812}) == "812 B");
    CHECK(format_bytes(ByteCount{1024}) == "1.0 KiB");
    CHECK(format_bytes(ByteCount{1258291}) == "1.2 MiB");
    CHECK(format_bytes(ByteCount{10240}) == "10 KiB");
    CHECK(format_bytes(ByteCount{1048575}) == "1.0 MiB");
    CHECK(format_bytes(ByteCount{~0ULL}) == "16384 PiB");
    CHECK(format_rate(ByteCount{0}, 1s) == "0 bit/s");
    CHECK(format_rate(ByteCount{118750}, 1s) == "950 kbit/s");
    CHECK(format_rate(ByteCount{1'500'000'000}, 10s) == "1.2 Gbit/s");
    CHECK(format_rate(ByteCount{5}, 0s) == "0 bit/s");
}

TEST_CASE("colour is for terminals that want it") {
    const int file = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK_FALSE(wants_colour(file));
    ::close(file);
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(terminal >= 0);
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "xterm", 1);
    CHECK(wants_colour(terminal));
    ::setenv("NO_COLOR", "1", 1);
    CHECK_FALSE(wants_colour(terminal));
    ::setenv("NO_COLOR", "", 1);
    CHECK(wants_colour(terminal));
    ::setenv("TERM", "dumb", 1);
    CHECK_FALSE(wants_colour(terminal));
    ::close(terminal);
    CHECK(coloured("ok", Colour::green, false) == "ok");
    CHECK(coloured("ok", Colour::green, true) == "\x1b[32mok\x1b[0m");
}
