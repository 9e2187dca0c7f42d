// Run under ThreadSanitizer too.
#include "tun/ordered_jobs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <thread>

using vpn::tun::HandOver;
using vpn::tun::JobLanes;
using vpn::tun::JobTimes;
using vpn::tun::Lanes;
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

/// Runs jobs on that many threads; one that leaves by an exception comes back.
template <class Run> void run_on(std::size_t count, Run run) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back([&run] {
            for (bool again = true; again;) {
                again = false;
                try {
                    run();
                } catch (const std::runtime_error&) {
                    again = true;
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
}

/// Some take longer than those behind them.
void work_on(Job& job) {
    for (int i = 0; i < (job.number * 7919) % 50; ++i) std::this_thread::yield();
    ++job.worked;
}

/// Takes the numbers one after the other, all of one lane, and notes in which order they come out.
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

    Taken take(Job& job, Lanes& lanes) {
        lanes = Lanes::all();
        if (taking.fetch_add(1) != 0) overlap = true;
        job = {next, 0};
        const bool end = next == numbers;
        if (!end) ++next;
        if (!end) most_under_way = std::max(most_under_way.load(), under_way.fetch_add(1) + 1);
        taking.fetch_sub(1);
        if (end) return Taken::stop;
        return job.number % 7 == 0 ? Taken::all : Taken::more;
    }
    void finish(Job& job) {
        if (finishing.fetch_add(1) != 0) overlap = true;
        finished.push_back(job.number);
        if (job.worked != 1) ++worked_wrongly;
        under_way.fetch_sub(1);
        finishing.fetch_sub(1);
    }
    template <class Work> void run(std::size_t count, Work work) {
        run_on(count, [&] {
            jobs.run([this](Job& job, Lanes& lanes) { return take(job, lanes); }, work, [this](Job& job) { finish(job); });
        });
    }
    void check_order() const {
        REQUIRE(finished.size() == numbers);
        for (int i = 0; i < numbers; ++i) REQUIRE(finished[static_cast<std::size_t>(i)] == i);
        CHECK_FALSE(overlap);
        CHECK(most_under_way <= static_cast<int>(jobs_count));
    }
};

} // namespace

TEST_CASE("jobs of one lane end in the order of their beginning, one at a time, each worked at once") {
    for (const HandOver hand_over : {HandOver::always, HandOver::where_it_pays})
        for (const std::size_t count : {std::size_t{1}, std::size_t{2}, threads_count}) {
            CAPTURE(count);
            Bench bench(hand_over);
            bench.run(count, work_on);
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
            jobs.run([&](int&, Lanes&) { return next.fetch_add(1) < 2 ? Taken::more : Taken::stop; },
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
    bench.run(threads_count, [](Job& job) {
        work_on(job);
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
                bench.jobs.run([&](Job& job, Lanes& lanes) { return bench.take(job, lanes); },
                               [](Job& job) {
                                   work_on(job);
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

namespace {

Lanes lane(std::uint64_t number) {
    Lanes lanes;
    lanes.add({}, number);
    return lanes;
}

/// Jobs of one or two of five lanes, or of none. What belongs to a lane has no lock: whoever finishes a job of it is alone there.
struct ManyLanes {
    static constexpr int lanes_count = 5;
    OrderedJobs<Job> jobs{jobs_count, HandOver::always, [] { return Job{}; }};
    int next = 0;
    std::array<std::vector<int>, lanes_count> finished_of;
    std::array<std::atomic<int>, numbers> finished{};
    std::atomic<int> too_far_ahead{0};

    static std::array<int, 2> lanes_of(int number) {
        if (number % 11 == 0) return {-1, -1};
        const int one = (number * 7) % lanes_count;
        return {one, number % 3 == 0 ? (one + 1 + number % 4) % lanes_count : -1};
    }
    Taken take(Job& job, Lanes& lanes) {
        if (next == numbers) return Taken::stop;
        job = {next++, 0};
        for (const int each : lanes_of(job.number))
            if (each >= 0) lanes |= lane(static_cast<std::uint64_t>(each));
        const int long_ago = job.number - static_cast<int>(jobs_count);
        if (long_ago >= 0 && finished.at(static_cast<std::size_t>(long_ago)) == 0) ++too_far_ahead;
        return Taken::more;
    }
    void finish(Job& job) {
        for (const int each : lanes_of(job.number))
            if (each >= 0) finished_of.at(static_cast<std::size_t>(each)).push_back(job.number);
        for (int i = 0; i < job.number % 5; ++i) std::this_thread::yield();
        ++finished.at(static_cast<std::size_t>(job.number));
    }
    template <class Fail> void run(Fail fail) {
        run_on(threads_count, [&] {
            jobs.run([this](Job& job, Lanes& lanes) { return take(job, lanes); },
                     [&](Job& job) {
                         work_on(job);
                         if (fail(job.number, 0)) throw std::runtime_error("no memory");
                     },
                     [&](Job& job) {
                         finish(job);
                         if (fail(job.number, 1)) throw std::runtime_error("no memory");
                     });
        });
    }
    void check() const {
        for (const std::vector<int>& of_one : finished_of) {
            CHECK(of_one.size() > numbers / lanes_count / 2);
            CHECK(std::ranges::is_sorted(of_one));
        }
        CHECK(std::ranges::all_of(finished, [](const std::atomic<int>& times) { return times == 1; }));
        CHECK(too_far_ahead == 0);
    }
};

} // namespace

TEST_CASE("jobs that share a lane end in order and alone, and none goes further ahead of another than there are jobs") {
    ManyLanes bench;
    bench.run([](int, int) { return false; });
    bench.check();
}

TEST_CASE("lanes keep their order when work and finishes throw") {
    ManyLanes bench;
    bench.run([](int number, int stage) { return number % 50 == 7 + stage; });
    bench.check();
}

TEST_CASE("jobs of different lanes end at the same time") {
    // Each waits for the other: with ends one at a time this would never end.
    OrderedJobs<int> jobs(2, HandOver::always, [] { return 0; });
    std::uint64_t next = 0;
    std::atomic<int> arrived{0};
    run_on(2, [&] {
        jobs.run(
            [&](int&, Lanes& lanes) {
                lanes = lane(next);
                return next++ < 2 ? Taken::more : Taken::stop;
            },
            [](int&) {},
            [&](int&) {
                arrived.fetch_add(1);
                while (arrived.load() < 2) std::this_thread::yield();
            });
    });
    CHECK(arrived.load() == 2);
}

TEST_CASE("a job whose taking throws is not lost: who takes the next has it, however often") {
    OrderedJobs<int> jobs(2, HandOver::always, [] { return 0; });
    int attempts = 0;
    int next = 0;
    std::vector<int> ended;
    run_on(3, [&] {
        jobs.run(
            [&](int& job, Lanes& lanes) {
                if (++attempts % 3 != 0) throw std::runtime_error("no memory");
                lanes = lane(0);
                job = next++;
                return job < 20 ? Taken::more : Taken::stop;
            },
            [](int&) {}, [&](int& job) { ended.push_back(job); });
    });
    CHECK(ended.size() == 20);
    CHECK(std::ranges::is_sorted(ended));
}

TEST_CASE("a job that throws in its work or its end lets those of its lane go on") {
    for (const bool in_work : {true, false}) {
        OrderedJobs<int> jobs(3, HandOver::always, [] { return 0; });
        int next = 0;
        std::vector<int> ended;
        run_on(3, [&] {
            jobs.run(
                [&](int& job, Lanes& lanes) {
                    lanes = lane(0);
                    job = next++;
                    return job < 20 ? Taken::more : Taken::stop;
                },
                [&](int& job) {
                    if (in_work && job % 2 == 0) throw std::runtime_error("no memory");
                },
                [&](int& job) {
                    ended.push_back(job);
                    if (!in_work && job % 2 == 0) throw std::runtime_error("no memory");
                });
        });
        CHECK(ended.size() == 20);
        CHECK(std::ranges::is_sorted(ended));
    }
}

namespace {

/// Jobs that each have all of sixteen lanes, in four parts. What belongs to a part has no lock.
struct ManyParts {
    static constexpr std::size_t parts_count = 4;
    OrderedJobs<Job, parts_count> jobs{jobs_count, HandOver::always, [] { return Job{}; }};
    int next = 0;
    Lanes all_sixteen;
    std::array<std::vector<int>, parts_count> finished_of;

    ManyParts() {
        for (std::uint64_t i = 0; i < 16; ++i) all_sixteen |= lane(i);
    }
    template <class Fail> void run(Fail fail) {
        run_on(threads_count, [&] {
            jobs.run(
                [&](Job& job, Lanes& lanes) {
                    if (next == numbers) return Taken::stop;
                    job = {next++, 0};
                    lanes = all_sixteen;
                    return Taken::more;
                },
                [&](Job& job) {
                    work_on(job);
                    if (fail(job.number, 0)) throw std::runtime_error("no memory");
                },
                [&](Job& job, std::size_t part) {
                    finished_of.at(part).push_back(job.number);
                    if (fail(job.number, 1)) throw std::runtime_error("no memory");
                });
        });
    }
    void check() const {
        for (const std::vector<int>& of_one : finished_of) {
            CHECK(of_one.size() == numbers);
            CHECK(std::ranges::is_sorted(of_one));
        }
    }
};

} // namespace

TEST_CASE("jobs that share all their lanes end in parts, each part in order and alone, every one once") {
    ManyParts bench;
    bench.run([](int, int) { return false; });
    bench.check();
}

TEST_CASE("parts keep their order when work and ends throw") {
    ManyParts bench;
    bench.run([](int number, int stage) { return number % 50 == 7 + stage; });
    bench.check();
}

TEST_CASE("parts of jobs that share all their lanes end at the same time, and a job without lanes ends once") {
    // Each waits for the other: with ends one at a time this would never end.
    OrderedJobs<int, 2> jobs(3, HandOver::always, [] { return 0; });
    Lanes both_parts;
    for (std::uint64_t i = 0; i < 64; ++i) both_parts |= lane(i);
    int next = 0;
    std::atomic<int> arrived{0};
    std::atomic<int> without_lanes{0};
    run_on(2, [&] {
        jobs.run(
            [&](int& job, Lanes& lanes) {
                job = next++;
                if (job < 2) lanes = both_parts;
                return job < 3 ? Taken::more : Taken::stop;
            },
            [](int&) {},
            [&](int& job, std::size_t part) {
                if (job == 2) {
                    CHECK(part == 0);
                    ++without_lanes;
                    return;
                }
                arrived.fetch_add(1);
                while (arrived.load() < 2) std::this_thread::yield();
            });
    });
    CHECK(arrived.load() == 4);
    CHECK(without_lanes == 1);
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

TEST_CASE("more threads pay as long as most full jobs share no lane with the one before") {
    JobLanes lanes;
    CHECK_FALSE(lanes.mostly_apart()); // nothing is known yet
    for (std::uint64_t i = 0; i < 20; ++i) lanes.taken(lane(i));
    CHECK(lanes.mostly_apart());
    lanes.taken(lane(19)); // one after another of its own
    CHECK(lanes.mostly_apart());
    for (int i = 0; i < 20; ++i) lanes.taken(lane(1));
    CHECK_FALSE(lanes.mostly_apart());
    for (std::uint64_t i = 0; i < 20; ++i) lanes.taken(Lanes::all());
    CHECK_FALSE(lanes.mostly_apart());
    for (int i = 0; i < 20; ++i) lanes.taken(Lanes::all(), true);
    CHECK(lanes.mostly_apart()); // parts of them can
}
