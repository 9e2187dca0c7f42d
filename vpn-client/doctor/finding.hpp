// What one check of `doctor` found: a verdict, half a sentence, and what to do about it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vpn::client::checks {

enum class Verdict : std::uint8_t { ok, warn, fail };

struct Finding {
    /// What was looked at, a word or two: `clock`.
    std::string check;
    Verdict verdict = Verdict::ok;
    std::string says;
    /// One line; empty where there is nothing to do.
    std::string fix;
    friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

inline Finding ok(std::string check, std::string says) { return {std::move(check), Verdict::ok, std::move(says), {}}; }
inline Finding warn(std::string check, std::string says, std::string fix) {
    return {std::move(check), Verdict::warn, std::move(says), std::move(fix)};
}
inline Finding fail(std::string check, std::string says, std::string fix) {
    return {std::move(check), Verdict::fail, std::move(says), std::move(fix)};
}

} // namespace vpn::client::checks
