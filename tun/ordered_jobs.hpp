// Jobs that begin one at a time, run on every thread, and end in order where order counts (DATAPATH 4): each tells which lanes it
// uses as it is taken, and ends after every earlier one that shares a lane with it. So packets of one flow are never reordered,
// however many threads carry it and by whatever way it comes, and what different peers get and send ends at the same time. A job
// of many flows shares a lane with nearly every other: so it may end in parts, each of which waits only for the same part of
// others. The threads are equals (the pattern Leader/Followers): one leads, that is, sleeps until there is something and takes
// it; it hands the lead on only when more is waiting, and when that pays: what must happen in order anyway is not faster on two
// threads, and waking the second costs. So a lone packet wakes one thread, a fat flow has them all where its work is mostly
// cipher, and many flows have them all.
//
// Refuses to know: packets and descriptors.
#pragma once

#include "tun/lanes.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <vector>

namespace vpn::tun {

/// What a thread found when it went for a job.
enum class Taken : std::uint8_t {
    all,  ///< the job holds all there was
    more, ///< the job is full
    stop, ///< there is no job, and never will be
};

enum class HandOver : std::uint8_t {
    where_it_pays, ///< as long as a full job's work takes longer than its finish, or finishes don't wait for each other
    always,        ///< for tests
};

/// How long full jobs took of late: moving averages over about eight. Any thread.
class JobTimes {
  public:
    using Clock = std::chrono::steady_clock;
    void worked(Clock::duration time) { average(work_, time); }
    void finished(Clock::duration time) { average(finish_, time); }
    [[nodiscard]] bool mostly_work() const {
        return work_.load(std::memory_order_relaxed) > finish_.load(std::memory_order_relaxed);
    }

  private:
    /// Two threads at once may lose one's share: it is an average.
    static void average(std::atomic<Clock::rep>& mean, Clock::duration time) {
        const Clock::rep before = mean.load(std::memory_order_relaxed);
        mean.store(before + (time.count() - before) / 8, std::memory_order_relaxed);
    }
    std::atomic<Clock::rep> work_{0};
    std::atomic<Clock::rep> finish_{0};
};

/// Whether full jobs of late could end at the same time: a moving average over about eight. One thread at a time.
class JobLanes {
  public:
    /// `in_parts`: the job itself has more ends than one.
    void taken(const Lanes& lanes, bool in_parts = false) {
        apart_ += ((lanes.share(last_) && !in_parts ? 0.0 : 1.0) - apart_) / 8;
        last_ = lanes;
    }
    [[nodiscard]] bool mostly_apart() const { return apart_ > 0.5; }

  private:
    Lanes last_;
    double apart_ = 0;
};

/// `parts`: of how many lanes' parts each job has an end of its own; a power of two, up to 16.
template <class Job, std::size_t parts = 1> class OrderedJobs {
  public:
    /// `count` jobs may be between their beginning and their end; `make()` makes each, once.
    template <class Make> OrderedJobs(std::size_t count, HandOver hand_over, Make make) : hand_over_(hand_over), places_(count) {
        free_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) free_.push_back(&jobs_.emplace_back(make()));
    }

    /// What each thread runs. `take(Job&, Lanes&)` adds to the lanes, none at first, gives Taken and may sleep: one thread at a
    /// time. `work(Job&)`: any number at a time. `finish(Job&)`, or `finish(Job&, part)` for each part that has a lane of the
    /// job: after that of all jobs that were taken earlier and share a lane, by any thread; at the same time as others, and as
    /// other parts of the same job. A job without lanes has an end of part 0. No job is finished by more jobs early than there
    /// are places. Returns once one thread's take said stop. Throws what they throw; the other threads go on, without that job,
    /// and so may this one, by another call: the job is used again, whatever it holds.
    template <class Take, class Work, class Finish> void run(Take take, Work work, Finish finish) {
        std::unique_lock lead(lead_, std::defer_lock);
        for (;;) {
            if (!lead) lead.lock();
            if (stopped_) return;
            Job& job = wait_for_free();
            Lanes lanes;
            const Taken taken = take_or_give_back(job, lanes, take);
            stopped_ = taken == Taken::stop;
            if (stopped_) return;
            const bool full = taken == Taken::more;
            Place& place = begin(job, lanes, full);
            if (full && it_pays()) lead.unlock();
            std::exception_ptr thrown;
            attempt(
                full, [&] { work(job); }, [&](auto time) { times_.worked(time); }, thrown);
            finish_what_may(place, finish, thrown); // even if it threw: those behind it must not wait for ever
            if (thrown) std::rethrow_exception(thrown);
        }
    }

  private:
    enum class Stage : std::uint8_t { working, done, finishing, finished };
    struct Place {
        Job* job = nullptr;
        bool full = false;
        Lanes lanes;
        std::array<Stage, parts> stages{}; ///< of a part that the job has no lane of: finished
        std::size_t unfinished = 0;        ///< parts
        JobTimes::Clock::duration finish{};
    };
    struct End {
        Place* place;
        std::size_t part;
    };

    template <class Take> Taken take_or_give_back(Job& job, Lanes& lanes, Take& take) {
        try {
            return take(job, lanes);
        } catch (...) {
            const std::lock_guard lock(lock_);
            free_.push_back(&job); // it has stood there
            throw;
        }
    }

    Place& begin(Job& job, const Lanes& lanes, bool full) {
        Place begun{&job, full, lanes};
        for (std::size_t part = 0; part < parts; ++part) {
            const bool used = lanes.any_in({part, parts});
            begun.stages[part] = used ? Stage::working : Stage::finished;
            begun.unfinished += used ? 1 : 0;
        }
        if (begun.unfinished == 0) begun.stages[0] = Stage::working, begun.unfinished = 1;
        if (full) lanes_.taken(lanes, begun.unfinished > 1);
        const std::lock_guard lock(lock_);
        Place& place = place_of(begun_++);
        place = begun;
        return place;
    }
    [[nodiscard]] bool it_pays() const { return hand_over_ == HandOver::always || times_.mostly_work() || lanes_.mostly_apart(); }

    /// Nobody waits: what is done but held up is left to whoever finishes what holds it up, and looks again after that.
    template <class Finish> void finish_what_may(Place& mine, Finish& finish, std::exception_ptr& thrown) {
        std::unique_lock lock(lock_);
        for (Stage& stage : mine.stages)
            if (stage == Stage::working) stage = Stage::done;
        for (End each = next_that_may(); each.place != nullptr; each = next_that_may()) {
            each.place->stages[each.part] = Stage::finishing;
            lock.unlock();
            JobTimes::Clock::duration took{};
            attempt(
                each.place->full, [&] { finish_part(finish, *each.place->job, each.part); }, [&](auto time) { took = time; },
                thrown);
            lock.lock();
            each.place->finish += took;
            end(each);
        }
    }
    template <class Finish> static void finish_part(Finish& finish, Job& job, std::size_t part) {
        if constexpr (parts == 1)
            finish(job);
        else
            finish(job, part);
    }
    /// The oldest that is done and shares no lane with an older one; no place if there is none. Requires: the lock.
    End next_that_may() {
        Lanes held;
        for (std::uint64_t i = ended_; i != begun_; ++i) {
            Place& place = place_of(i);
            for (std::size_t part = 0; part < parts; ++part) {
                const LanePart lanes{part, parts};
                if (place.stages[part] == Stage::finished) continue;
                if (place.stages[part] == Stage::done && !place.lanes.share(held, lanes)) return {&place, part};
                held.add_part(place.lanes, lanes);
            }
        }
        return {nullptr, 0};
    }
    /// Requires: the lock.
    void end(End each) {
        Place& place = *each.place;
        place.stages[each.part] = Stage::finished;
        if (--place.unfinished > 0) return;
        if (place.full) times_.finished(place.finish);
        free_.push_back(place.job); // the last used is taken first: it is still in the cache
        while (ended_ != begun_ && place_of(ended_).unfinished == 0) ++ended_;
        room_.notify_one(); // the leader, if anybody
    }

    /// Runs, tells how long it took if that is wanted, and keeps what it throws: the jobs of others go on.
    template <class Run, class Tell> static void attempt(bool wanted, Run run, Tell tell, std::exception_ptr& thrown) {
        const auto before = wanted ? JobTimes::Clock::now() : JobTimes::Clock::time_point();
        try {
            run();
        } catch (...) {
            thrown = std::current_exception();
        }
        if (wanted) tell(JobTimes::Clock::now() - before);
    }

    /// Waits for a place too: there are no more jobs under way than places.
    Job& wait_for_free() {
        std::unique_lock lock(lock_);
        room_.wait(lock, [this] { return begun_ - ended_ < places_.size() && !free_.empty(); });
        Job& job = *free_.back();
        free_.pop_back();
        return job;
    }
    [[nodiscard]] Place& place_of(std::uint64_t number) { return places_[number % places_.size()]; }

    const HandOver hand_over_;
    JobTimes times_;

    std::mutex lead_;
    bool stopped_ = false; ///< the leader's
    JobLanes lanes_;       ///< the leader's

    std::mutex lock_; ///< of what follows; held for a moment, never while a job takes, works or finishes
    std::condition_variable room_;
    std::deque<Job> jobs_;
    std::vector<Job*> free_;
    std::vector<Place> places_; ///< a ring, by the number of the job
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0; ///< all before it are finished
};

} // namespace vpn::tun
