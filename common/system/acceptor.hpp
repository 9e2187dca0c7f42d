// Takes the connections that come to a listening socket, a limited number at a time, whatever memory and descriptors there are.
// Only for the servers' own .cpp files, which have Asio anyway. Refuses to know: who comes, and what is said.
#pragma once

#include "common/system/handler_memory.hpp"
#include "common/system/unique_fd.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <new>
#include <utility>

namespace vpn::system {

/// `Connection` has receive(), which begins it, and end(), after which it does nothing more; what is under way in it keeps it
/// alive. One thread: the event loop's.
template <class Protocol, class Connection> class Acceptor {
  public:
    using Socket = boost::asio::basic_stream_socket<Protocol>;
    using Ended = std::function<void(Connection&)>;
    struct Rules {
        std::size_t most;                                                     ///< connections at a time
        std::function<bool(int fd)> may_come;                                 ///< else it is closed at once
        std::function<std::shared_ptr<Connection>(Socket, Ended ended)> make; ///< it calls `ended` when it is over
    };

    Acceptor(boost::asio::io_context& loop, Protocol protocol, UniqueFd listening, Rules rules)
        : rules_(std::move(rules)), protocol_(protocol), state_(std::make_shared<State>(loop)) {
        state_->acceptor.assign(protocol, listening.release());
        next_connection();
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() {
        state_->over = true;
        boost::system::error_code ignored;
        state_->acceptor.close(ignored);
        for (const auto& connection : connections_) connection->end();
    }

  private:
    /// How long to wait when the process is out of descriptors.
    static constexpr std::chrono::milliseconds breath{100};

    /// What a completion may still look at when the acceptor has gone.
    struct State {
        explicit State(boost::asio::io_context& loop) : acceptor(loop), pause(loop) {}
        boost::asio::basic_socket_acceptor<Protocol> acceptor;
        boost::asio::steady_timer pause;
        std::shared_ptr<HandlerMemory> accepting = std::make_shared<HandlerMemory>();
        std::shared_ptr<HandlerMemory> pausing = std::make_shared<HandlerMemory>();
        bool over = false;
    };

    /// Waits, then accepts by itself: Asio's own way forgets to tell when memory does not suffice for the new socket.
    void next_connection() {
        accepting_ = true;
        const auto accept = [this, state = state_](const boost::system::error_code& error) {
            if (state->over) return;
            UniqueFd fd;
            if (!error) fd = UniqueFd(::accept4(state->acceptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (error || (!fd && errno != EAGAIN)) return take_a_breath();
            accepting_ = false;
            take(std::move(fd));
        };
        state_->acceptor.async_wait(boost::asio::socket_base::wait_read, kept_in(state_->accepting, accept));
    }

    void take_a_breath() {
        state_->pause.expires_after(breath);
        state_->pause.async_wait(kept_in(state_->pausing, [this, state = state_](const boost::system::error_code&) {
            if (!state->over) next_connection();
        }));
    }

    /// Lets it go if there is no memory for it, or it may not come.
    void take(UniqueFd fd) {
        // The next one first: whatever memory there is for this one.
        if (connections_.size() + 1 < rules_.most) next_connection();
        if (fd && rules_.may_come(fd.get())) serve(std::move(fd));
        wait_if_idle();
    }

    void serve(UniqueFd fd) {
        try {
            Socket socket(state_->acceptor.get_executor());
            socket.assign(protocol_, fd.get());
            static_cast<void>(fd.release()); // it is the socket's
            auto connection = rules_.make(std::move(socket), [this](Connection& ended) { forget(ended); });
            connections_.push_back(connection);
            connection->receive();
        } catch (const std::bad_alloc&) {
            connections_.remove_if([](const auto& one) { return one.use_count() == 1; }); // nothing is under way that holds it
        } catch (const boost::system::system_error&) {                                    // the kernel's memory
        }
    }

    void wait_if_idle() {
        if (!accepting_ && connections_.size() < rules_.most) next_connection();
    }

    void forget(Connection& connection) {
        connection.end();
        connections_.remove_if([&](const auto& one) { return one.get() == &connection; });
        wait_if_idle();
    }

    Rules rules_;
    Protocol protocol_;
    std::shared_ptr<State> state_;
    std::list<std::shared_ptr<Connection>> connections_;
    bool accepting_ = false;
};

} // namespace vpn::system
