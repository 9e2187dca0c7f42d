// THREATS, "a bug of our own": a forbidden call kills only us; a file outside is out of reach.
#include "common/system/command.hpp"
#include "common/system/nftables.hpp"
#include "common/system/resolver.hpp"
#include "common/system/sandbox.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/system/in_child.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

using namespace vpn;
using namespace vpn::system;
using test::in_child;
using test::Scratch;

namespace {

constexpr int killed_by_filter = -SIGSYS;
constexpr int not_walled_in = 99;

/// How `body` ends behind the list of calls.
int filtered(const SyscallNeeds& needs, const std::function<int()>& body) {
    return in_child([&] {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
        return allow_system_calls(needs) ? not_walled_in : body();
    });
}

/// How a bare call ends there: 0 if it is let through, whatever it returned.
int called(long number, long first = 0, long second = 0, long third = 0) {
    return filtered({}, [=] {
        ::syscall(number, first, second, third, 0, 0, 0);
        return 0;
    });
}

/// How `body` ends where only these files are open to it.
int closed_off(const FileAccess& access, const std::function<int()>& body) {
    return in_child([&] {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
        return allow_files(access) ? not_walled_in : body();
    });
}

/// The errno of opening, or 0.
int open_errno(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
}

bool has_landlock() { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) > 0; }

void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

} // namespace

TEST_CASE("a call that no daemon of ours makes kills the process, and nobody but that process") {
    for (const long call : {SYS_ptrace,
                            SYS_process_vm_readv,
                            SYS_process_vm_writev,
                            SYS_init_module,
                            SYS_finit_module,
                            SYS_delete_module,
                            SYS_kexec_load,
                            SYS_bpf,
                            SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_chroot,
                            SYS_setns,
                            SYS_unshare,
                            SYS_keyctl,
                            SYS_add_key,
                            SYS_request_key,
                            SYS_userfaultfd,
                            SYS_perf_event_open,
                            SYS_io_uring_setup,
                            SYS_io_uring_enter,
                            SYS_reboot,
                            SYS_swapon,
                            SYS_acct,
                            SYS_settimeofday,
                            SYS_clock_settime,
                            SYS_adjtimex,
                            SYS_sethostname,
                            SYS_syslog,
                            SYS_quotactl,
                            SYS_personality,
                            SYS_open_by_handle_at,
                            SYS_pidfd_getfd,
                            SYS_setuid,
                            SYS_setgid,
                            SYS_capset,
                            SYS_seccomp,
                            SYS_landlock_restrict_self,
                            SYS_kcmp,
                            SYS_fanotify_init,
                            SYS_shmat,
                            SYS_mq_open,
                            SYS_vmsplice,
                            SYS_execve,
                            SYS_execveat}) {
        CAPTURE(call);
        CHECK(called(call) == killed_by_filter);
    }
    CHECK(called(SYS_getpid) == 0); // and the one who watched goes on
}

TEST_CASE("a call younger than the list is not there, and so are flags that no filter can look at") {
    CHECK(filtered({}, [] { return ::syscall(SYS_clone3, nullptr, 0) == -1 && errno == ENOSYS ? 0 : 1; }) == 0);
    CHECK(filtered({}, [] { return ::syscall(457, nullptr, 0) == -1 && errno == ENOSYS ? 0 : 1; }) == 0); // statmount
    CHECK(filtered({}, [] { return ::syscall(599, nullptr, 0) == -1 && errno == ENOSYS ? 0 : 1; }) == 0);
    CHECK(called(2000) == killed_by_filter);
}

TEST_CASE("sockets are of the families that a tunnel needs") {
    const auto opened = [](int family) {
        return filtered({}, [family] { return ::socket(family, SOCK_DGRAM, 0) >= 0 || errno != 0 ? 0 : 1; });
    };
    for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) CHECK(opened(family) == 0);
    for (const int family : {AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH, AF_CAN, AF_XDP, AF_TIPC})
        CHECK(opened(family) == killed_by_filter);
}

TEST_CASE("no memory is both written and run, nor becomes code later") {
    CHECK(called(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == killed_by_filter);
    CHECK(called(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE) == 0);
    CHECK(called(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC) == 0); // as libraries are loaded
    CHECK(called(SYS_mprotect, 0, 4096, PROT_READ | PROT_EXEC) == killed_by_filter);
    CHECK(called(SYS_mprotect, 0, 4096, PROT_READ) == 0);
}

TEST_CASE("processes and threads are made as before, but in no namespaces of their own") {
    for (const int apart : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID})
        CHECK(called(SYS_clone, apart | SIGCHLD) == killed_by_filter);
    CHECK(filtered({}, [] {
              std::atomic<int> seen = 1;
              std::thread([&seen] { seen = 0; }).join();
              return seen.load();
          }) == 0);
    CHECK(filtered({}, [] {
              const pid_t child = ::fork();
              if (child == 0) ::_exit(7);
              int status = 0;
              return ::waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7 ? 0 : 1;
          }) == 0);
}

TEST_CASE("threads that were there before are held to the list, too") {
    CHECK(in_child([] {
              std::atomic<bool> go = false;
              std::thread before([&go] {
                  go.wait(false);
                  ::syscall(SYS_ptrace, 0, 0, 0, 0);
              });
              ::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
              if (allow_system_calls({})) return not_walled_in;
              go = true;
              go.notify_one();
              before.join();
              return 0;
          }) == killed_by_filter);
}

TEST_CASE("a program is started by who may, and refused what is not on the list; by others it is killed before it begins") {
    const auto run = [](const std::vector<std::string>& words) {
        return [words] {
            const auto ran = run_command(words, {}, std::chrono::seconds(30));
            return ran ? ran->code : not_walled_in;
        };
    };
    CHECK(filtered({.programs = true}, run({"/bin/sh", "-c", "ls / | sort >/dev/null; exit 3"})) == 3);
    CHECK(filtered({.programs = true}, run({"/usr/bin/unshare", "--user", "true"})) == 1);
    CHECK(filtered({.programs = true}, run({"/usr/bin/flock", "-w", "10", "/", "true"})) == 0);
    CHECK(filtered({.programs = true}, [] { return ::syscall(SYS_ptrace, 0, 0, 0, 0) == -1 && errno == EPERM ? 0 : 1; }) == 0);
    CHECK(filtered({}, run({"/bin/sh", "-c", "exit 3"})) == 128 + SIGSYS);
}

TEST_CASE("what our libraries do is on the list: names, nftables, files and their locks") {
    const Scratch scratch;
    const test::NetNamespace network;
    CHECK(filtered({}, [] { return resolve("localhost", Port{1}, std::chrono::seconds(30)) ? 0 : 1; }) == 0);
    CHECK(filtered({}, [] {
              auto nftables = Nftables::open();
              return nftables && nftables->apply("add table inet ours; delete table inet ours") ? 0 : 1;
          }) == 0);
    CHECK(filtered({}, [&scratch] {
              write_text(scratch.file("one"), "text");
              if (::rename(scratch.file("one").c_str(), scratch.file("two").c_str()) != 0) return 1;
              return ::unlink(scratch.file("two").c_str());
          }) == 0);
}

TEST_CASE("writing is refused outside of what was opened, and possible within, on files that come later too") {
    if (!has_landlock()) return;
    const Scratch scratch;
    const std::string ours = scratch.file("ours");
    const std::string others = scratch.file("others");
    REQUIRE(::mkdir(ours.c_str(), 0700) == 0);
    REQUIRE(::mkdir(others.c_str(), 0700) == 0);
    write_text(others + "/file", "text");
    const FileAccess access{{others}, {ours}, {}};
    const auto ended = [&access](const std::function<int()>& body) { return closed_off(access, body); };

    CHECK(ended([&] { return open_errno(others + "/file", O_WRONLY); }) == EACCES);
    CHECK(ended([&] { return open_errno(others + "/file", O_RDONLY); }) == 0);
    CHECK(ended([&] { return open_errno(others + "/new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(ended([&] { return ::unlink((others + "/file").c_str()) == 0 ? 0 : errno; }) == EACCES);
    CHECK(ended([&] { return ::truncate((others + "/file").c_str(), 0) == 0 ? 0 : errno; }) == EACCES);
    CHECK(ended([&] { return ::rename((others + "/file").c_str(), (ours + "/file").c_str()) == 0 ? 0 : errno; }) != 0);
    CHECK(ended([&] {
              int status = 0; // threads inherit
              std::thread([&] { status = open_errno(others + "/file", O_WRONLY); }).join();
              return status;
          }) == EACCES);
    CHECK(ended([&] {
              if (const int error = open_errno(ours + "/new", O_WRONLY | O_CREAT); error != 0) return error;
              if (::mkdir((ours + "/below").c_str(), 0700) != 0) return errno;
              if (const int error = open_errno(ours + "/below/new", O_WRONLY | O_CREAT); error != 0) return error;
              if (::rename((ours + "/below/new").c_str(), (ours + "/moved").c_str()) != 0) return errno;
              return ::unlink((ours + "/moved").c_str()) == 0 ? 0 : errno;
          }) == 0);
    std::ifstream file(others + "/file");
    std::string text;
    CHECK((std::getline(file, text) && text == "text"));
}

TEST_CASE("reading is refused outside of what was opened, and so is running") {
    if (!has_landlock()) return;
    const Scratch scratch;
    write_text(scratch.file("secret"), "text");
    const FileAccess access{read_by_daemons(), {}, {}};
    CHECK(closed_off(access, [&] { return open_errno(scratch.file("secret"), O_RDONLY); }) == EACCES);
    CHECK(closed_off(access, [] { return open_errno("/etc/passwd", O_RDONLY); }) == 0);
    const auto run = [] {
        const auto ran = run_command({"/bin/true"}, {}, std::chrono::seconds(30));
        return ran ? ran->code : not_walled_in;
    };
    CHECK(closed_off(access, run) != 0);
    CHECK(closed_off({read_by_daemons(), {}, run_by_daemons()}, run) == 0);
}

TEST_CASE("a place that is not there is passed over, and a file alone can be opened") {
    if (!has_landlock()) return;
    const Scratch scratch;
    const std::string file = scratch.file("file");
    write_text(file, "text");
    const FileAccess access{{}, {scratch.file("nothing/here"), file, ""}, {}};
    CHECK(closed_off(access, [&] { return open_errno(file, O_WRONLY); }) == 0);
    CHECK(closed_off(access, [&] { return open_errno(scratch.file("other"), O_WRONLY | O_CREAT); }) == EACCES);
}

TEST_CASE("all walls stand at once: privileges, files and calls") {
    if (!has_landlock()) return;
    const Scratch scratch;
    const test::NetNamespace makes_us_root;
    const auto walled = [](const std::function<int()>& body) {
        return in_child([&] {
            const auto not_done = shut_in({Capability::net_admin}, {{"/"}, {}, {}}, {});
            return not_done.empty() ? body() : not_walled_in;
        });
    };
    CHECK(walled([] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1 && ::prctl(PR_GET_SECCOMP) == 2 ? 0 : 1; }) == 0);
    CHECK(walled([&] { return open_errno(scratch.file("new"), O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(walled([] { return static_cast<int>(::syscall(SYS_mount, nullptr, nullptr, nullptr, 0, nullptr)); }) ==
          killed_by_filter);
}
