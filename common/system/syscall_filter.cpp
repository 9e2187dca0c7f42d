#include "common/system/syscall_filter.hpp"

#include "common/system/os_error.hpp"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string_view>
#include <type_traits>

namespace vpn::system {
namespace {

/// Names of calls, with blanks between them.
using Names = std::string_view;

constexpr Names memory =
    "brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mremap msync munlock munlockall munmap";

constexpr Names threads =
    "arch_prctl exit exit_group futex futex_time64 futex_waitv get_robust_list getcpu gettid restart_syscall rseq "
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity "
    "sched_yield set_robust_list set_thread_area set_tid_address "
    // of some processors, and of whoever traces this one
    "cacheflush get_tls set_tls riscv_flush_icache riscv_hwprobe uretprobe ";

constexpr Names signals = "kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
                          "rt_sigtimedwait rt_sigtimedwait_time64 sigaction sigaltstack signalfd signalfd4 sigprocmask sigreturn "
                          "tgkill tkill";

constexpr Names about_itself =
    "capget getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid getppid getpriority "
    "getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getuid getuid32 prctl prlimit64 setrlimit "
    "sysinfo times ugetrlimit umask uname";

/// Reading them; none is set.
constexpr Names clocks = "clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 "
                         "gettimeofday nanosleep time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
                         "timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
                         "timerfd_settime64";

constexpr Names events =
    "_newselect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 inotify_add_watch "
    "inotify_init inotify_init1 inotify_rm_watch pidfd_open pidfd_send_signal poll ppoll ppoll_time64 pselect6 pselect6_time64 "
    "select";

constexpr Names descriptors = "_llseek close close_range copy_file_range dup dup2 dup3 fcntl fcntl64 ioctl lseek pipe pipe2 "
                              "pread64 preadv preadv2 pwrite64 "
                              "pwritev pwritev2 read readv sendfile sendfile64 splice tee write writev";

/// Which of them, is a matter of capabilities, owners and file_access.
constexpr Names files =
    "access arm_fadvise64_64 chdir chmod chown chown32 creat faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod "
    "fchmodat fchmodat2 fchown fchown32 fchownat fdatasync fgetxattr flistxattr flock fstat fstat64 fstatat64 fstatfs fstatfs64 "
    "fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr lchown lchown32 lgetxattr link linkat listxattr "
    "llistxattr lstat lstat64 mkdir mkdirat name_to_handle_at newfstatat open openat openat2 readahead readlink readlinkat "
    "rename "
    "renameat renameat2 rmdir stat stat64 statfs statfs64 statx symlink symlinkat sync_file_range sync_file_range2 truncate "
    "truncate64 unlink unlinkat utime utimensat utimensat_time64 utimes";

/// Of families that rules of their own name.
constexpr Names network =
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send "
    "sendmmsg sendmsg sendto setsockopt shutdown socketpair";

/// Of a child that is to become a program and may not, the parent still learns how it ended.
constexpr Names children = "setpgid vfork wait4 waitid waitpid";

/// To start them, and what shells and the small tools do beyond all this: some shut themselves in. To be somebody else takes
/// capabilities too.
constexpr Names programs =
    "alarm execve execveat fork getitimer ioprio_get landlock_add_rule landlock_create_ruleset landlock_restrict_self mknod "
    "mknodat "
    "seccomp setfsgid setfsuid setgid setgroups setitimer setpriority setregid setresgid setresuid setreuid setsid setuid sync "
    "syncfs timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64";

/// The younger ones are not known to the list: 450 is set_mempolicy_home_node, of Linux 5.17.
constexpr int oldest_unknown = 451;
constexpr int youngest_unknown = 600;

constexpr scmp_datum_t namespaces = static_cast<unsigned>(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                                          CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET);

struct Release {
    void operator()(scmp_filter_ctx context) const { seccomp_release(context); }
};

/// A filter that is being written. It remembers the first error.
class Filter {
  public:
    explicit Filter(std::uint32_t otherwise) : context_(seccomp_init(otherwise)) {
        if (!context_) error_ = ENOMEM;
    }

    void allow(Names names) {
        std::istringstream words{std::string(names)};
        for (std::string name; words >> name;) add(SCMP_ACT_ALLOW, number(name.c_str()), {});
    }
    /// Allows the call where the argument's bits among `mask` are these.
    void allow_if(const char* name, unsigned argument, scmp_datum_t mask, scmp_datum_t bits) {
        add(SCMP_ACT_ALLOW, number(name), {scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, mask, bits}});
    }
    void lacks(int call) { add(SCMP_ACT_ERRNO(ENOSYS), call, {}); }
    void lacks(const char* name) { lacks(number(name)); }

    /// Returns an errno, or zero.
    int load() {
        set(SCMP_FLTATR_CTL_TSYNC, 1);
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2); // by halving: the list is long, and packets are calls
        if (error_ == 0) note(seccomp_load(context_.get()));
        return error_;
    }

    static int number(const char* name) { return seccomp_syscall_resolve_name(name); }

  private:
    void note(int result) {
        if (result < 0 && error_ == 0) error_ = -result;
    }
    void set(scmp_filter_attr attribute, std::uint32_t value) {
        if (error_ == 0) note(seccomp_attr_set(context_.get(), attribute, value));
    }
    void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> where) {
        if (error_ != 0 || call < 0) return; // not of this processor, or not known here
        note(seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(where.size()), where.begin()));
    }

    std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release> context_;
    int error_ = 0;
};

void allow_memory(Filter& filter) {
    constexpr unsigned protection = 2;
    constexpr scmp_datum_t both = PROT_WRITE | PROT_EXEC;
    filter.allow(memory);
    for (const char* const name : {"mmap", "mmap2"})
        for (const unsigned allowed : {unsigned{PROT_NONE}, unsigned{PROT_WRITE}, unsigned{PROT_EXEC}})
            filter.allow_if(name, protection, both, allowed);
    filter.allow_if("mprotect", protection, PROT_EXEC, 0);
}

/// Raw sockets of IP are a matter of capabilities.
void allow_sockets(Filter& filter) {
    constexpr scmp_datum_t all = ~scmp_datum_t{0};
    filter.allow(network);
    for (const unsigned family : {unsigned{AF_UNIX}, unsigned{AF_INET}, unsigned{AF_INET6}, unsigned{AF_NETLINK}})
        filter.allow_if("socket", 0, all, family);
}

void allow_threads(Filter& filter) {
    const unsigned flags = seccomp_arch_native() == SCMP_ARCH_S390X ? 1 : 0;
    filter.allow(threads);
    filter.allow_if("clone", flags, namespaces, 0);
    filter.lacks("clone3"); // its flags are in memory, where no filter looks; the C library then takes clone
}

/// But for those of the lists that are younger: no rule twice.
void lack_the_unknown(Filter& filter) {
    const int known = Filter::number("fchmodat2");
    for (int call = oldest_unknown; call <= youngest_unknown; ++call)
        if (call != known) filter.lacks(call);
}

} // namespace

std::optional<std::string> allow_system_calls(const SyscallNeeds& needs) {
    Filter filter(needs.programs ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
    allow_memory(filter);
    allow_threads(filter);
    for (const Names names : {signals, about_itself, clocks, events, descriptors, files, children}) filter.allow(names);
    allow_sockets(filter);
    if (needs.programs) filter.allow(programs);
    lack_the_unknown(filter);
    if (const int error = filter.load(); error != 0) return "system calls can't be limited to a list: " + errno_text(error);
    return std::nullopt;
}

} // namespace vpn::system
