#include "tests/support/net_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace vpn::test {
namespace {

void check(bool done, const char* what) {
    if (!done) throw std::system_error(errno, std::generic_category(), what);
}

void write_to(const char* path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) throw std::runtime_error(std::string("cannot write ") + path);
}

void become_root_of_a_user_namespace() {
    const auto user = std::to_string(::geteuid());
    const auto group = std::to_string(::getegid());
    check(::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0, "tests need root, or a kernel that allows user namespaces");
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", "0 " + user + " 1");
    write_to("/proc/self/gid_map", "0 " + group + " 1");
}

void become_root() {
    static const bool once = [] {
        if (::geteuid() != 0) become_root_of_a_user_namespace();
        return true;
    }();
    static_cast<void>(once);
}

system::UniqueFd current_namespace() {
    system::UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    check(static_cast<bool>(fd), "cannot open the network namespace");
    return fd;
}

void enter(int fd) { check(::setns(fd, CLONE_NEWNET) == 0, "cannot enter a network namespace"); }

void bring_loopback_up() {
    const system::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    check(::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0, "cannot bring lo up");
}

} // namespace

NetNamespace::NetNamespace() {
    become_root();
    const system::UniqueFd before = current_namespace();
    check(::unshare(CLONE_NEWNET) == 0, "cannot make a network namespace");
    bring_loopback_up();
    fd_ = current_namespace();
    enter(before.get());
}

std::string NetNamespace::path() const { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get()); }

Inside::Inside(const NetNamespace& where) : before_(current_namespace()) { enter(where.fd()); }

Inside::~Inside() {
    if (::setns(before_.get(), CLONE_NEWNET) != 0) std::terminate();
}

void with_own_mounts(const std::function<void()>& body) {
    become_root();
    std::exception_ptr thrown;
    std::thread([&] {
        try {
            check(::unshare(CLONE_NEWNS) == 0, "cannot make a mount namespace");
            check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "cannot make mounts private");
            body();
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
}

std::string shell(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("{ " + command + "\n} 2>&1").c_str(), "re"), &::pclose);
    check(pipe != nullptr, "cannot run a command");
    std::string output;
    std::array<char, 4096> chunk{};
    for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe.get())) > 0;)
        output.append(chunk.data(), got);
    return output;
}

void wait_until(const std::string& command) { shell("until { " + command + "\n} > /dev/null; do :; done"); }

void wait_until_running(const std::string& interface) {
    wait_until("ip link show " + interface + " | grep -q 'state UP'");
    wait_until("ip -6 route show table local | grep -q 'multicast.* dev " + interface + " '");
}

void wait_until_local(const std::string& address) {
    wait_until("ip -6 route show table local | grep -q 'local " + address + " '");
}

} // namespace vpn::test
