#include "tun/epoch.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace vpn::tun {
namespace {

/// Says when it goes.
struct Tracked {
    explicit Tracked(bool& the_gone) : gone(the_gone) {}
    ~Tracked() { gone = true; }
    Tracked(const Tracked&) = delete;
    Tracked& operator=(const Tracked&) = delete;
    bool& gone;
};

TEST_CASE("what is retired goes at once when no data thread is inside") {
    Epochs epochs;
    Epochs::Reader reader(epochs);
    bool gone = false;
    epochs.retire(std::make_shared<Tracked>(gone));
    CHECK(epochs.pending());
    epochs.collect(epochs.oldest_reader());
    CHECK(gone);
    CHECK_FALSE(epochs.pending());
}

TEST_CASE("what is retired stays while a data thread that may hold it is inside") {
    Epochs epochs;
    Epochs::Reader reader(epochs);
    bool gone = false;
    {
        const auto guard = reader.enter();
        epochs.retire(std::make_shared<Tracked>(gone));
        epochs.collect(epochs.oldest_reader());
        CHECK_FALSE(gone);
    }
    epochs.collect(epochs.oldest_reader());
    CHECK(gone);
}

TEST_CASE("a data thread that came in afterwards keeps nothing") {
    Epochs epochs;
    Epochs::Reader reader(epochs);
    bool gone = false;
    epochs.retire(std::make_shared<Tracked>(gone));
    const auto guard = reader.enter();
    epochs.collect(epochs.oldest_reader());
    CHECK(gone);
}

TEST_CASE("one slow data thread keeps what was retired since it came, and nothing older") {
    Epochs epochs;
    Epochs::Reader slow(epochs);
    Epochs::Reader quick(epochs);
    bool older = false;
    bool newer = false;
    epochs.retire(std::make_shared<Tracked>(older));
    const auto guard = slow.enter();
    epochs.retire(std::make_shared<Tracked>(newer));
    { const auto passing = quick.enter(); }
    epochs.collect(epochs.oldest_reader());
    CHECK(older);
    CHECK_FALSE(newer);
}

TEST_CASE("a freed reader gives its place back") {
    Epochs epochs;
    for (int i = 0; i < 1000; ++i) {
        Epochs::Reader reader(epochs);
        const auto guard = reader.enter();
    }
    CHECK(epochs.oldest_reader() == UINT64_MAX);
}

TEST_CASE("data threads never see what was freed, however fast it is replaced") {
    struct Value {
        explicit Value(std::uint64_t n) : first(n), second(~n) {}
        ~Value() { first = second = 0; } // a reader that still looks finds that they don't match
        Value(const Value&) = delete;
        Value& operator=(const Value&) = delete;
        std::uint64_t first;
        std::uint64_t second;
    };
    Epochs epochs;
    auto owned = std::make_shared<Value>(0);
    std::atomic<const Value*> published{owned.get()};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> mismatches{0};
    std::atomic<std::uint64_t> looks{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            Epochs::Reader reader(epochs);
            while (!stop.load()) {
                const auto guard = reader.enter();
                const Value* value = published.load();
                if (value->first != ~value->second) mismatches.fetch_add(1);
                looks.fetch_add(1);
            }
        });
    }
    for (std::uint64_t n = 1; n <= 20'000 || looks.load() < 1000; ++n) {
        auto fresh = std::make_shared<Value>(n);
        published.store(fresh.get());
        epochs.retire(std::exchange(owned, std::move(fresh)));
        epochs.collect(epochs.oldest_reader());
    }
    stop.store(true);
    for (std::thread& reader : readers) reader.join();
    CHECK(mismatches.load() == 0);
    epochs.collect(epochs.oldest_reader());
    CHECK_FALSE(epochs.pending());
}

} // namespace
} // namespace vpn::tun
