// Something that only a process of its own may do to itself.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <iostream>

namespace vpn::test {

/// The exit code of `body` run in a child of its own; negative: the signal that ended it.
inline int in_child(const std::function<int()>& body) {
    std::cout.flush(); // or the child might print it again
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

} // namespace vpn::test
