// /etc/resolv.conf, where nobody else keeps it for us: ours takes its place while a connection is up, and what stood there -
// file, link or nothing - is put back to the byte. Somebody who rewrites it meanwhile is overruled, a bounded number of times,
// and what he wrote is then what is put back.
//
// Several connections stand on top of each other: what one finds is the other's text. Whoever goes first, the last one that goes
// puts back what was there in the beginning: the journals on disk are the chain, and nothing of it is kept in memory.
#pragma once

#include "common/base/time.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-client/dns/dns_journal.hpp"
#include "vpn-client/dns/dns_plan.hpp"

#include <string>

namespace vpn::client {

inline constexpr auto resolv_conf_path = "/etc/resolv.conf";

/// Takes our text away, if it still stands there, and hands what it covered to who stands on it.
void put_back_resolv_conf(const DnsJournal& journal);

class ResolvConfKeeper {
  public:
    /// Errors: the file can't be read, or its place not be taken; then nothing has changed.
    static Result<ResolvConfKeeper> apply(DnsPlan plan, std::string connection);
    ResolvConfKeeper(ResolvConfKeeper&& other) noexcept;
    ResolvConfKeeper& operator=(ResolvConfKeeper&&) = delete;
    ~ResolvConfKeeper();

    /// Readable when somebody may have touched the file.
    [[nodiscard]] int fd() const { return inotify_.get(); }
    /// True if somebody has: look at it in a moment, when he is done.
    bool handle_events();

    enum class News : std::uint8_t {
        none,
        overruled, ///< somebody had rewritten it, and it is ours again
        gave_up,   ///< he does so again and again: it is his
    };
    News look(Boot now);

  private:
    ResolvConfKeeper(DnsPlan plan, std::string connection) : plan_(std::move(plan)), connection_(std::move(connection)) {}
    Result<void> take_place(SavedFile before);
    [[nodiscard]] bool is_covered() const;
    void watch();

    DnsPlan plan_;
    std::string connection_; ///< empty: moved from
    std::string text_;       ///< that we wrote
    system::UniqueFd inotify_;
    int watched_file_ = -1;
    unsigned overruled_ = 0;
    Boot last_overruled_{};
};

} // namespace vpn::client
