// What a benchmark prints: a small table for people, JSON with --json. And how it measures time.
#pragma once

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::bench {

/// CPU time of the calling thread: what others do on this machine meanwhile counts little.
inline double thread_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// CPU seconds that `body()` takes.
template <class Body> double seconds_of(Body body) {
    const double start = thread_seconds();
    body();
    return thread_seconds() - start;
}

/// Bytes that are allocated now.
inline std::size_t heap_bytes() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

inline double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values.at(values.size() / 2);
}

class Report {
  public:
    explicit Report(std::span<char* const> arguments)
        : json_(std::ranges::any_of(arguments, [](std::string_view each) { return each == "--json"; })) {}
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;
    ~Report() {
        if (json_) print_json();
    }

    /// A line of the table. Requires: neither text has quotes or backslashes.
    void add(std::string what, double value, std::string unit) {
        if (!json_) {
            std::printf("%-66s %12.*f %s\n", what.c_str(), value < 100 ? 2 : 0, value, unit.c_str());
            std::fflush(stdout);
        }
        lines_.push_back({std::move(what), value, std::move(unit)});
    }

  private:
    struct Line {
        std::string what;
        double value;
        std::string unit;
    };
    void print_json() const {
        std::printf("[");
        for (std::size_t i = 0; i < lines_.size(); ++i)
            std::printf("%s\n  {\"what\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}", i == 0 ? "" : ",", lines_[i].what.c_str(),
                        lines_[i].value, lines_[i].unit.c_str());
        std::printf("\n]\n");
    }

    bool json_;
    std::vector<Line> lines_;
};

} // namespace vpn::bench
