// What a benchmark prints: a small table for people, JSON with --json. With --check it fails where a figure is not what the
// project wants of it. And how it measures time.
#pragma once

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
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

/// What the project wants of a figure.
struct Limit {
    enum class Side : std::uint8_t { at_least, at_most } side;
    double value;

    [[nodiscard]] bool allows(double figure) const { return side == Side::at_least ? figure >= value : figure <= value; }
    [[nodiscard]] const char* sign() const { return side == Side::at_least ? ">=" : "<="; }
};
constexpr Limit at_least(double value) { return {Limit::Side::at_least, value}; }
constexpr Limit at_most(double value) { return {Limit::Side::at_most, value}; }

class Report {
  public:
    explicit Report(std::span<char* const> arguments) : json_(has(arguments, "--json")), check_(has(arguments, "--check")) {}
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;
    ~Report() {
        if (json_) print_json();
    }

    /// A line of the table. Requires: neither text has quotes or backslashes.
    void add(std::string what, double value, std::string unit, std::optional<Limit> limit = {}) {
        const bool met = !limit || limit->allows(value);
        if (!met) ++missed_;
        if (!json_) {
            std::printf("%-66s %12.*f %s", what.c_str(), value < 100 ? 2 : 0, value, unit.c_str());
            if (limit) std::printf(" (wanted %s %g: %s)", limit->sign(), limit->value, met ? "met" : "missed");
            std::printf("\n");
            std::fflush(stdout);
        }
        lines_.push_back({std::move(what), value, std::move(unit), limit});
    }

    /// What main returns: 1 if --check was asked for, and a figure is beyond its limit.
    [[nodiscard]] int exit_code() const { return check_ && missed_ > 0 ? 1 : 0; }

  private:
    struct Line {
        std::string what;
        double value;
        std::string unit;
        std::optional<Limit> limit;
    };
    static bool has(std::span<char* const> arguments, std::string_view option) {
        return std::ranges::any_of(arguments, [&](std::string_view each) { return each == option; });
    }
    void print_json() const {
        std::printf("[");
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const Line& line = lines_[i];
            std::printf("%s\n  {\"what\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"", i == 0 ? "" : ",", line.what.c_str(),
                        line.value, line.unit.c_str());
            if (line.limit)
                std::printf(", \"wanted\": \"%s %g\", \"met\": %s", line.limit->sign(), line.limit->value,
                            line.limit->allows(line.value) ? "true" : "false");
            std::printf("}");
        }
        std::printf("\n]\n");
    }

    bool json_;
    bool check_;
    int missed_ = 0;
    std::vector<Line> lines_;
};

} // namespace vpn::bench
