// Memory that runs out: what a test program's own operator new asks (failing_new.cpp), on the thread that the test runs on.
#pragma once

#include <cstddef>
#include <optional>

namespace vpn::support {

/// While it lives, the allocation of that number on this thread fails, the first being 1; with `for_good`, all behind it do too.
class FailingNew {
  public:
    explicit FailingNew(std::size_t number, bool for_good = false);
    ~FailingNew();
    FailingNew(const FailingNew&) = delete;
    FailingNew& operator=(const FailingNew&) = delete;
    /// One has failed.
    [[nodiscard]] bool failed() const;
};

/// How many bytes were asked for on this thread, whatever was given back since.
std::size_t bytes_allocated();

/// Runs `attempt(number, for_good)` for the first allocation, the second, and so on, until it returns false: none has failed.
template <class Attempt> void for_each_allocation(Attempt attempt) {
    for (const bool for_good : {false, true})
        for (std::size_t number = 1; attempt(number, for_good); ++number) {
        }
}

} // namespace vpn::support
