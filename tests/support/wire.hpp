// The network between nodes, on a virtual clock: it delays, drops, duplicates, reorders and corrupts, by seeded dice, and it is
// where time passes: from one arrival or deadline to the next.
#pragma once

#include "tests/support/node.hpp"

#include <functional>
#include <map>

namespace vpn::support {

/// How bad a wire is. Of a hundred datagrams, so many.
struct Weather {
    unsigned drop = 0;
    unsigned duplicate = 0;
    unsigned reorder = 0;
    unsigned corrupt = 0;
    Duration delay = std::chrono::milliseconds(20);
    Duration reorder_by = std::chrono::milliseconds(200); ///< at most
};

/// A datagram as somebody on the way sees it.
struct Seen {
    ByteVector bytes;
    Endpoint from;
    Endpoint to;
    Boot when;
};

class Wire {
  public:
    explicit Wire(std::uint64_t seed = 1) : dice_(seed) {}

    VirtualClock clock;
    Weather weather;

    /// The node is reached there from now on, and sends from there. For one that is plugged in already: it moves.
    void plug(Node& node, const Endpoint& at) {
        unplug(node);
        places_[&node] = at;
        nodes_[at] = &node;
        node.plug_into([this](Node& from, Bytes datagram, const Path& path) { carry(places_.at(&from), datagram, path.remote); });
    }
    /// Nothing reaches the node, it sends nothing, and it doesn't wake: off, or asleep.
    void unplug(Node& node) {
        const auto place = places_.find(&node);
        if (place == places_.end()) return;
        nodes_.erase(place->second);
        places_.erase(place);
        node.plug_into([](Node&, Bytes, const Path&) {});
    }

    /// Puts a datagram on the wire as if it came from `from`.
    void inject(ByteVector datagram, const Endpoint& from, const Endpoint& to) {
        fly(std::move(datagram), from, to, weather.delay);
    }

    /// Every datagram that is sent, before the weather sees it.
    void on_sent(std::function<void(const Seen&)> watcher) { watcher_ = std::move(watcher); }
    /// Every datagram whose last intact copy has been lost or corrupted.
    void on_lost(std::function<void(Bytes)> watcher) { loss_watcher_ = std::move(watcher); }
    /// Like weather, but by hand: true for a datagram that must not arrive.
    void lose_if(std::function<bool(const Seen&)> condition) { condition_ = std::move(condition); }

    /// Lets all that happens until then happen.
    void run_for(Duration duration) { run_until(clock.boot() + duration); }
    void run_until(Boot end) {
        while (step(end)) {
        }
        clock.advance_to(end);
    }
    /// Until nothing is under way and nobody will wake by itself, or `limit` is over. Gives how long that was.
    Duration run_dry(Duration limit) {
        const Boot began = clock.boot();
        Boot last = began;
        while (step(began + limit)) last = clock.boot();
        return last - began;
    }
    /// Nodes sleep through this time: nothing happens. What was under way is lost.
    void sleep_for(Duration duration) {
        clock.advance(duration);
        flying_.clear();
    }

  private:
    struct Flying {
        ByteVector bytes;
        Endpoint from;
        Endpoint to;
    };

    void carry(const Endpoint& from, Bytes datagram, const Endpoint& to) {
        const ByteVector bytes(datagram.begin(), datagram.end());
        const Seen seen{bytes, from, to, clock.boot()};
        if (watcher_) watcher_(seen);
        bool arrives = false;
        const int copies = dice_.chance(weather.duplicate) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            if (dice_.chance(weather.drop) || (condition_ && condition_(seen))) continue;
            Duration delay = weather.delay;
            if (dice_.chance(weather.reorder))
                delay +=
                    Duration(static_cast<Duration::rep>(dice_.below(static_cast<std::uint64_t>(weather.reorder_by.count()))));
            if (dice_.chance(weather.corrupt)) {
                fly(corrupted(bytes), from, to, delay);
            } else {
                arrives = true;
                fly(bytes, from, to, delay);
            }
        }
        if (!arrives && loss_watcher_) loss_watcher_(bytes);
    }

    ByteVector corrupted(ByteVector bytes) {
        switch (dice_.below(4)) {
        case 0: bytes.resize(dice_.below(bytes.size())); break;
        case 1: bytes.resize(bytes.size() + 1 + dice_.below(64)); break;
        default: bytes[dice_.below(bytes.size())] ^= static_cast<std::byte>(1 + dice_.below(255)); break;
        }
        return bytes;
    }

    void fly(ByteVector bytes, const Endpoint& from, const Endpoint& to, Duration delay) {
        flying_.emplace(std::pair(clock.boot() + delay, serial_++), Flying{std::move(bytes), from, to});
    }

    /// The next thing that happens, if it happens by `end`.
    bool step(Boot end) {
        Node* waking = nullptr;
        Boot when = end;
        for (const auto& [place, node] : nodes_) {
            const auto deadline = node->wakes_at();
            if (deadline && (*deadline < when || (*deadline == when && waking == nullptr))) waking = node, when = *deadline;
        }
        if (!flying_.empty() && flying_.begin()->first.first <= when) {
            auto arriving = flying_.extract(flying_.begin());
            clock.advance_to(arriving.key().first);
            Flying& each = arriving.mapped();
            if (const auto node = nodes_.find(each.to); node != nodes_.end())
                node->second->receive(std::move(each.bytes), {each.from, {}});
            return true;
        }
        if (waking == nullptr) return false;
        clock.advance_to(when);
        waking->wake();
        return true;
    }

    SeededRandom dice_;
    std::map<Node*, Endpoint> places_;
    std::map<Endpoint, Node*> nodes_;
    std::map<std::pair<Boot, std::uint64_t>, Flying> flying_;
    std::uint64_t serial_ = 0;
    std::function<void(const Seen&)> watcher_;
    std::function<void(Bytes)> loss_watcher_;
    std::function<bool(const Seen&)> condition_;
};

} // namespace vpn::support
