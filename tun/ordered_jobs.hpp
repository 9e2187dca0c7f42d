// Jobs that begin and end one at a time and in one order, while what lies between runs on every thread (DATAPATH 4). So packets
// of one flow are never reordered, however many threads carry it and by whatever way it comes.
// The threads are equals (the pattern Leader/Followers): one leads, that is, sleeps until there is something and takes it; it
// hands the lead on only when more is waiting, and when that pays: what must happen in order anyway is not faster on two threads,
// and waking the second costs. So a lone packet wakes one thread, and a fat flow has them all where its work is mostly cipher.
//
// Refuses to know: packets and descriptors.
#pragma once

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
    where_it_pays, ///< as long as a full job's work takes longer than its finish
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

template <class Job> class OrderedJobs {
  public:
    /// `count` jobs may be between their beginning and their end; `make()` makes each, once.
    template <class Make> OrderedJobs(std::size_t count, HandOver hand_over, Make make) : places_(count), hand_over_(hand_over) {
        for (std::size_t i = 0; i < count; ++i) free_.push_back(&jobs_.emplace_back(make()));
    }

    /// What each thread runs. `take(Job&)` gives Taken and may sleep: one thread at a time. `work(Job&)`: any number at a time.
    /// `finish(Job&)`: one at a time, in the order of their take. Returns once one thread's take said stop.
    /// Throws what they throw; the other threads go on, without that job.
    template <class Take, class Work, class Finish> void run(Take take, Work work, Finish finish) {
        std::unique_lock lead(lead_, std::defer_lock);
        for (;;) {
            if (!lead) lead.lock();
            if (stopped_) return;
            Job& job = wait_for_free();
            const Taken taken = take(job);
            stopped_ = taken == Taken::stop;
            if (stopped_) return;
            Place& place = places_[begun_++ % places_.size()];
            place.job = &job;
            place.full = taken == Taken::more;
            if (place.full && (hand_over_ == HandOver::always || times_.mostly_work())) lead.unlock();
            std::exception_ptr thrown;
            attempt(
                place.full, [&] { work(job); }, [&](auto time) { times_.worked(time); }, thrown);
            place.done.store(true); // even if it threw: those behind it must not wait for ever
            finish_what_is_done(finish, thrown);
            if (thrown) std::rethrow_exception(thrown);
        }
    }

  private:
    struct Place {
        Job* job = nullptr;
        bool full = false;
        std::atomic<bool> done{false};
    };
    /// Who holds it may finish.
    class Turn {
      public:
        explicit Turn(std::atomic<bool>& taken) : taken_(taken), mine_(!taken.exchange(true)) {}
        ~Turn() {
            if (mine_) taken_.store(false);
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        [[nodiscard]] bool mine() const { return mine_; }

      private:
        std::atomic<bool>& taken_;
        const bool mine_;
    };

    /// Whoever finds the oldest job done finishes it, and all that are done behind it. Nobody waits: who comes while another
    /// finishes leaves its job to that one, who looks once more after giving up the turn.
    template <class Finish> void finish_what_is_done(Finish& finish, std::exception_ptr& thrown) {
        do {
            const Turn turn(finishing_);
            if (!turn.mine()) return;
            while (oldest().done.load()) {
                Place& place = oldest();
                place.done.store(false);
                Job& job = *place.job;
                const bool full = place.full;
                finished_.fetch_add(1);
                const GiveBack after(*this, job);
                attempt(
                    full, [&] { finish(job); }, [&](auto time) { times_.finished(time); }, thrown);
            }
        } while (oldest().done.load());
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
    [[nodiscard]] Place& oldest() { return places_[finished_.load() % places_.size()]; }

    struct GiveBack {
        GiveBack(OrderedJobs& the_owner, Job& the_job) : owner(the_owner), job(the_job) {}
        ~GiveBack() {
            {
                const std::lock_guard lock(owner.free_lock_);
                owner.free_.push_back(&job); // the last used is taken first: it is still in the cache
            }
            owner.freed_.notify_one();
        }
        GiveBack(const GiveBack&) = delete;
        GiveBack& operator=(const GiveBack&) = delete;
        OrderedJobs& owner;
        Job& job;
    };
    /// There are no more jobs under way than places: each has one.
    Job& wait_for_free() {
        std::unique_lock lock(free_lock_);
        freed_.wait(lock, [this] { return !free_.empty(); });
        Job& job = *free_.back();
        free_.pop_back();
        return job;
    }

    std::mutex lead_;
    bool stopped_ = false;    ///< the leader's
    std::uint64_t begun_ = 0; ///< the leader's
    std::deque<Job> jobs_;
    std::vector<Place> places_;
    const HandOver hand_over_;
    JobTimes times_;
    std::atomic<bool> finishing_{false};
    std::atomic<std::uint64_t> finished_{0};
    std::mutex free_lock_;
    std::condition_variable freed_;
    std::vector<Job*> free_;
};

} // namespace vpn::tun
