// Run under ThreadSanitizer too.
#include "tun/ordered_jobs.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

using vpn::tun::HandOver;
using vpn::tun::JobTimes;
using vpn::tun::OrderedJobs;
using vpn::tun::Taken;

namespace {

constexpr std::size_t threads_count = 4;
constexpr std::size_t jobs_count = 6;
constexpr int numbers = 5'000;

struct Job {
    int number = -1;
    int worked = 0;
};

/// Takes the numbers one after the other, and notes in which order they come out.
struct Bench {
    explicit Bench(HandOver hand_over = HandOver::always) : jobs(jobs_count, hand_over, [] { return Job{}; }) {}

    OrderedJobs<Job> jobs;
    std::atomic<int> taking{0};
    std::atomic<int> finishing{0};
    std::atomic<int> under_way{0};
    std::atomic<int> most_under_way{0};
    std::atomic<bool> overlap{false};
    int next = 0;
    std::vector<int> finished;
    int worked_wrongly = 0;

    Taken take(Job& job) {
        if (taking.fetch_add(1) != 0) overlap = true;
        job = {next, 0};
        const bool end = next == numbers;
        if (!end) ++next;
        if (!end) most_under_way = std::max(most_under_way.load(), under_way.fetch_add(1) + 1);
        taking.fetch_sub(1);
        if (end) return Taken::stop;
        return job.number % 7 == 0 ? Taken::all : Taken::more;
    }
    static void work(Job& job) {
        for (int i = 0; i < (job.number * 7919) % 50; ++i) std::this_thread::yield(); // some take longer than those behind them
        ++job.worked;
    }
    void finish(Job& job) {
        if (finishing.fetch_add(1) != 0) overlap = true;
        finished.push_back(job.number);
        if (job.worked != 1) ++worked_wrongly;
        under_way.fetch_sub(1);
        finishing.fetch_sub(1);
    }
    template <class Work> void run_on(std::size_t count, Work work_on) {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < count; ++i)
            threads.emplace_back([&] {
                for (bool again = true; again;) {
                    again = false;
                    try {
                        jobs.run([this](Job& job) { return take(job); }, work_on, [this](Job& job) { finish(job); });
                    } catch (const std::runtime_error&) {
                        again = true;
                    }
                }
            });
        for (std::thread& thread : threads) thread.join();
    }
    void check_order() const {
        REQUIRE(finished.size() == numbers);
        for (int i = 0; i < numbers; ++i) REQUIRE(finished[static_cast<std::size_t>(i)] == i);
        CHECK_FALSE(overlap);
        CHECK(most_under_way <= static_cast<int>(jobs_count));
    }
};

} // namespace

TEST_CASE("jobs end in the order of their beginning, one at a time, each worked at once") {
    for (const HandOver hand_over : {HandOver::always, HandOver::where_it_pays})
        for (const std::size_t count : {std::size_t{1}, std::size_t{2}, threads_count}) {
            CAPTURE(count);
            Bench bench(hand_over);
            bench.run_on(count, Bench::work);
            bench.check_order();
            CHECK(bench.worked_wrongly == 0);
        }
}

TEST_CASE("work goes on while other work does") {
    // Each waits for the other: with a lead that is not handed on this would never end.
    OrderedJobs<int> jobs(2, HandOver::always, [] { return 0; });
    std::atomic<int> next{0};
    std::atomic<int> arrived{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            jobs.run([&](int&) { return next.fetch_add(1) < 2 ? Taken::more : Taken::stop; },
                     [&](int&) {
                         arrived.fetch_add(1);
                         while (arrived.load() < 2) std::this_thread::yield();
                     },
                     [](int&) {});
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(arrived.load() == 2);
}

TEST_CASE("a job whose work throws holds nobody up") {
    Bench bench;
    bench.run_on(threads_count, [](Job& job) {
        Bench::work(job);
        if (job.number % 100 == 3) throw std::runtime_error("no memory");
    });
    bench.check_order();
}

TEST_CASE("when threads leave by an exception, the rest finish what is begun, and end") {
    Bench bench;
    std::vector<std::thread> threads;
    std::atomic<int> left{0};
    for (std::size_t i = 0; i < threads_count; ++i)
        threads.emplace_back([&] {
            try {
                bench.jobs.run([&](Job& job) { return bench.take(job); },
                               [](Job& job) {
                                   Bench::work(job);
                                   if (job.number == 100 || job.number == 200) throw std::runtime_error("no memory");
                               },
                               [&](Job& job) {
                                   bench.finish(job);
                                   if (job.number == 300) throw std::runtime_error("no memory");
                               });
            } catch (const std::runtime_error&) {
                ++left;
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(left == 3);
    bench.check_order();
}

TEST_CASE("more threads pay as long as full jobs are mostly work") {
    using namespace std::chrono_literals;
    JobTimes times;
    CHECK_FALSE(times.mostly_work()); // nothing is known yet
    for (int i = 0; i < 20; ++i) times.worked(150us), times.finished(40us);
    CHECK(times.mostly_work());
    times.finished(600us); // once: somebody else had the core
    CHECK(times.mostly_work());
    for (int i = 0; i < 40; ++i) times.worked(20us), times.finished(40us);
    CHECK_FALSE(times.mostly_work());
}
