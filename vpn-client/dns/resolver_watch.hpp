// Hears that somebody has given this machine other name servers, by the files that all who do so write. One thread: the event
// loop's. Refuses to know: which they are. Who is told looks again.
#pragma once

#include "common/system/unique_fd.hpp"
#include "vpn-client/watch.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace vpn::client {

class ResolverWatch {
  public:
    /// `changed` is told a moment after, and once of several changes in a moment. Where the kernel has no room for this, never.
    ResolverWatch(boost::asio::io_context& loop, std::function<void()> changed);

    /// Where links lead, and which directories there are, may be otherwise now. It hears so itself where it can.
    void look_again();

  private:
    int add(const std::string& directory);
    void hear();

    system::UniqueFd inotify_;
    std::vector<int> records_; ///< directories where every name counts
    bool soon_ = false;
    Alarm quiet_;
    std::optional<Watch> watch_;
};

} // namespace vpn::client
