// Keeps up with how large a datagram the way to the server carries whole. It searches when a tunnel starts to work, when the
// network changes, when large packets seem to be lost and now and then; in between, while there is traffic, it asks whether the
// last result still holds. Echo requests are its probes: any peer answers. One thread: the event loop's. Refuses to know:
// sessions and sockets, and what follows from a result. Whoever makes it tells and is told.
#pragma once

#include "common/base/result.hpp"
#include "vpn-client/echo_listener.hpp"
#include "vpn-client/mtu_search.hpp"
#include "vpn-client/watch.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

namespace vpn::client {

class PathMtu {
  public:
    /// Whom to ask through the tunnel.
    struct Question {
        std::uint32_t interface = 0;
        IpAddress source;
        IpAddress destination;
        /// The question itself has the size, and so has its answer. Else it is small, in a large outer packet: strangers behind
        /// the server need not like large ones.
        bool large_answer = true;
    };
    /// What it takes to ask.
    struct Means {
        std::function<void(std::span<const ByteVector>)> send; ///< inner packets, whole or not at all
        std::function<std::uint32_t()> overhead;               ///< what goes around each of them now
        std::function<std::uint32_t()> link_mtu;               ///< of the way out
        std::function<std::uint64_t()> traffic;                ///< bytes that went through the tunnel, both ways
        std::function<void()> found;                           ///< path() has another value
    };

    /// Searches at once. Errors: it cannot hear answers.
    static Result<std::unique_ptr<PathMtu>> start(boost::asio::io_context& loop, const Question& question,
                                                  system::OsResult<EchoListener> listener, Means means);
    PathMtu(boost::asio::io_context& loop, const Question& question, EchoListener listener, Means means);

    /// The network is another one: searches anew, once it is quiet.
    void handle_network_change();
    /// Somebody said that no more than this passes. Anybody can say so: a reason to look, no more.
    void handle_too_big(std::uint32_t claimed);
    /// None until something was found.
    [[nodiscard]] std::optional<std::uint32_t> path() const { return path_; }

  private:
    void search();
    void check();
    void look();
    void go_on();
    void finish();
    void tell(std::uint32_t found);
    void hear();
    void send(const std::vector<std::uint32_t>& sizes);
    [[nodiscard]] bool seems_busy();

    Question question_;
    Means means_;
    EchoListener listener_;
    std::uint16_t identifier_;
    std::uint16_t sequence_ = 0;
    std::map<std::uint16_t, std::uint32_t> sizes_; ///< of the probes of this search, by their numbers
    std::optional<MtuSearch> search_;
    bool only_checks_ = false;
    bool search_next_ = false; ///< the network changed
    std::optional<std::uint32_t> path_;
    Boot searched_{};    ///< when the last search ended
    Duration pause_;     ///< from then to the next one
    Duration fruitless_; ///< what it will be when nobody answers, the next time
    std::uint64_t traffic_ = 0;
    bool was_busy_ = false;
    Watch watch_;
    Alarm alarm_;
};

} // namespace vpn::client
