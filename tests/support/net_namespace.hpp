// Network namespaces for tests that need a real kernel: made by the test, gone with it.
// Without root, a user namespace in which the test is root; nothing is skipped.
#pragma once

#include "common/system/unique_fd.hpp"

#include <functional>
#include <string>

namespace vpn::test {

/// An empty network whose loopback is up, as long as this object or a descriptor inside lives.
/// The first one that a process without root makes turns that process into root of a user namespace: make it before any thread.
class NetNamespace {
  public:
    NetNamespace();
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// For `ip link set ... netns PATH`.
    [[nodiscard]] std::string path() const;

  private:
    system::UniqueFd fd_;
};

/// The calling thread is inside, and where it was before once this goes.
class Inside {
  public:
    explicit Inside(const NetNamespace& where);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

  private:
    system::UniqueFd before_;
};

/// Calls `body` in a thread with mounts of its own, which go with it. What it throws is thrown here.
void with_own_mounts(const std::function<void()>& body);

/// What a command prints, to both streams, in the caller's namespaces.
std::string shell(const std::string& command);

/// Until `command` succeeds: the kernel settles carriers and IPv6 addresses in its own time.
void wait_until(const std::string& command);
/// Until the interface has a carrier and IPv6 on it has begun. Requires: it and what it is joined to have been brought up.
void wait_until_running(const std::string& interface);
/// Until the IPv6 address takes packets, which even one without duplicate detection does a little after it was added.
void wait_until_local(const std::string& address);

} // namespace vpn::test
