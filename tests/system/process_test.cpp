// THREATS "secrets in memory", "counter reuse: fork"; EXPERIENCE "connect goes on in the background".
#include "common/system/daemonise.hpp"
#include "common/system/instance_lock.hpp"
#include "common/system/process.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/system/in_child.hpp"
#include "tests/system/other_user.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

using namespace vpn;
using namespace vpn::system;
using test::in_child;
using test::Scratch;

namespace {

std::string status_line(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind(key, 0) == 0) return line;
    }
    return {};
}

/// What a launched command printed, and its exit code.
struct Outcome {
    std::string printed;
    int code;
};

/// Runs `child` as the background half of a command whose standard output is a pipe.
Outcome launch(const std::function<void(BackgroundChild&)>& child) {
    std::array<int, 2> output{};
    REQUIRE(::pipe2(output.data(), O_CLOEXEC) == 0);
    const int code = in_child([&] {
        ::dup2(output[1], STDOUT_FILENO);
        auto result = daemonise();
        if (!result) return 99;
        if (auto* parent = std::get_if<ParentResult>(&*result)) return parent->exit_code;
        child(std::get<BackgroundChild>(*result));
        ::_exit(0);
    });
    ::close(output[1]);
    std::string printed;
    for (char c = 0; ::read(output[0], &c, 1) == 1;) printed += c; // ends when every writer has let go
    ::close(output[0]);
    return {printed, code};
}

void say(const char* text) { REQUIRE(::write(STDOUT_FILENO, text, std::char_traits<char>::length(text)) > 0); }

} // namespace

TEST_CASE("standard streams that are missing lead nowhere from then on, and those that are there stay as they are") {
    CHECK(in_child([] {
              const auto target = [](int fd) {
                  std::array<char, 64> name{};
                  const std::string link = "/proc/self/fd/" + std::to_string(fd);
                  const ssize_t length = ::readlink(link.c_str(), name.data(), name.size());
                  return std::string(name.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
              };
              const std::string kept = target(STDERR_FILENO);
              ::close(STDIN_FILENO);
              ::close(STDOUT_FILENO);
              const int free = ::dup(STDERR_FILENO); // 0, and the lowest behind it is 1
              ::close(free);
              open_missing_streams();
              if (free != STDIN_FILENO || target(STDIN_FILENO) != "/dev/null" || target(STDOUT_FILENO) != "/dev/null") return 1;
              if (target(STDERR_FILENO) != kept) return 2;
              const int next = ::dup(STDERR_FILENO);
              ::close(next);
              open_missing_streams(); // none is missing: nothing is left open
              if (::dup(STDERR_FILENO) != next || next <= STDERR_FILENO) return 3;
              char read = 0;
              return ::write(STDOUT_FILENO, "x", 1) == 1 && ::read(STDIN_FILENO, &read, 1) == 0 ? 0 : 4;
          }) == 0);
}

TEST_CASE("memory is locked as it is touched, and nobody may look or dump") {
    if (!test::can_become_other_user()) return;
    // The sanitizers replace mlockall by one that accepts whatever it is told, and does nothing.
    const bool locking_is_real = ::mlockall(0) != 0;
    CHECK(in_child([locking_is_real] {
              const auto undone = protect_memory();
              if (undone) return 1;
              // What is allocated after is locked too.
              std::string later(std::size_t{4} << 20U, 'x');
              if (locking_is_real && std::stoul(status_line("VmLck:").substr(6)) < 4096) return 2;
              if (::prctl(PR_GET_DUMPABLE) != 0) return 3;
              rlimit core{};
              if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 4;
              return later.back() == 'x' ? 0 : 5;
          }) == 0);
}

TEST_CASE("without the privilege to lock memory the rest is done, and the lack is said") {
    if (!test::can_become_other_user()) return;
    CHECK(in_child([] {
              const rlimit small{65536, 65536};
              ::setrlimit(RLIMIT_MEMLOCK, &small);
              if (::setuid(test::other_user) != 0) return 1;
              const auto undone = protect_memory();
              if (!undone || undone->find("CAP_IPC_LOCK") == std::string::npos) return 2;
              if (::prctl(PR_GET_DUMPABLE) != 0) return 3;
              const std::string later(std::size_t{4} << 20U, 'x'); // and allocations still work
              return later.back() == 'x' ? 0 : 4;
          }) == 0);
}

TEST_CASE("the privilege to change networks is seen, and its lack") {
    const test::NetNamespace makes_us_root;
    CHECK(has_net_admin());
    CHECK(in_child([] {
              if (::setresuid(test::other_user, test::other_user, test::other_user) != 0 && ::geteuid() == 0)
                  return 0; // a namespace that knows no other user
              return has_net_admin() ? 1 : 0;
          }) == 0);
}

TEST_CASE("the limit of open files rises to the hard one") {
    CHECK(in_child([] {
              const rlimit low{64, 512};
              if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return 1;
              if (raise_open_files_limit() != 512) return 2;
              rlimit now{};
              ::getrlimit(RLIMIT_NOFILE, &now);
              return now.rlim_cur == 512 ? 0 : 3;
          }) == 0);
}

TEST_CASE("the command prints what its child says, and exits with the code that the child detached with") {
    const Outcome outcome = launch([](BackgroundChild& child) {
        say("connected\n");
        child.detach(ExitCode::ok);
        child.detach(ExitCode::failure);
        say("nobody hears this\n");
    });
    CHECK(outcome.printed == "connected\n");
    CHECK(outcome.code == 0);
    CHECK(launch([](BackgroundChild& child) { child.detach(ExitCode::no_tunnel); }).code == 4);
}

TEST_CASE("a child that ends without detaching gives the command its own code; one that is killed, 1") {
    CHECK(launch([](BackgroundChild&) { ::_exit(6); }).code == 6);
    CHECK(launch([](BackgroundChild&) { ::_exit(0); }).code == 0);
    CHECK(launch([](BackgroundChild&) { ::raise(SIGKILL); }).code == 1);
}

TEST_CASE("the child is a session of its own, at the root, without the terminal") {
    const Scratch scratch;
    const Outcome outcome = launch([&scratch](BackgroundChild& child) {
        const std::string file = scratch.file("seen");
        child.detach(ExitCode::ok);
        std::array<char, 256> directory{};
        std::ofstream(file + ".new") << (::getsid(0) == ::getpid()) << ::getcwd(directory.data(), directory.size())
                                     << std::filesystem::read_symlink("/proc/self/fd/0").string()
                                     << std::filesystem::read_symlink("/proc/self/fd/1").string()
                                     << std::filesystem::read_symlink("/proc/self/fd/2").string();
        std::filesystem::rename(file + ".new", file);
    });
    CHECK(outcome.code == 0);
    std::string seen;
    while (seen.empty()) std::ifstream(scratch.file("seen")) >> seen;
    CHECK(seen == "1//dev/null/dev/null/dev/null");
}

TEST_CASE("a signal to the command reaches the child, which decides how it ends") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        CAPTURE(signal);
        const Outcome outcome = launch([signal](BackgroundChild&) {
            sigset_t awaited;
            sigemptyset(&awaited);
            sigaddset(&awaited, signal);
            ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
            ::kill(::getppid(), signal);
            int got = 0;
            ::sigwait(&awaited, &got);
            ::_exit(got == signal ? 42 : 43);
        });
        CHECK(outcome.code == 42);
    }
}

TEST_CASE("one daemon of a name at a time, whatever becomes of it") {
    const Scratch scratch;
    {
        const auto first = InstanceLock::acquire(scratch.path(), "vpns");
        REQUIRE(first.has_value());
        CHECK(first->path() == scratch.file("vpns.lock"));
        const auto second = InstanceLock::acquire(scratch.path(), "vpns");
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().held);
        CHECK(second.error().holder == ::getpid());
        CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
        CHECK(InstanceLock::acquire(scratch.path(), "other").has_value());
    }
    CHECK_FALSE(std::filesystem::exists(scratch.file("vpns.lock")));
    CHECK(InstanceLock::acquire(scratch.path(), "vpns").has_value());

    // One that was killed leaves its file behind, and the lock free.
    CHECK(in_child([&scratch] {
              const auto lock = InstanceLock::acquire(scratch.path(), "vpns");
              ::raise(SIGKILL);
              return lock ? 0 : 1;
          }) == -SIGKILL);
    CHECK(std::filesystem::exists(scratch.file("vpns.lock")));
    auto again = InstanceLock::acquire(scratch.path(), "vpns");
    REQUIRE(again.has_value());
    const InstanceLock moved = std::move(*again);
    CHECK(InstanceLock::acquire(scratch.path(), "vpns").error().held);

    const auto nowhere = InstanceLock::acquire(scratch.file("none"), "vpns");
    REQUIRE_FALSE(nowhere.has_value());
    CHECK_FALSE(nowhere.error().held);
}
