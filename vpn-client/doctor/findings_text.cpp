#include "vpn-client/doctor/findings_text.hpp"

#include "common/system/terminal.hpp"

#include <algorithm>
#include <string_view>

namespace vpn::client::checks {
namespace {

using system::Colour;

constexpr std::size_t check_width = 14;

struct Look {
    std::string_view word;
    std::string_view token;
    Colour colour;
};

Look look_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok: return {"OK  ", "ok", Colour::green};
    case Verdict::warn: return {"WARN", "warn", Colour::yellow};
    case Verdict::fail: break;
    }
    return {"FAIL", "fail", Colour::red};
}

std::size_t count(const Findings& findings, Verdict verdict) {
    return static_cast<std::size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

std::string summary(const Findings& findings) {
    const std::size_t failed = count(findings, Verdict::fail);
    const std::size_t warned = count(findings, Verdict::warn);
    if (failed + warned == 0) return "nothing is wrong\n";
    return std::to_string(failed) + " failed, " + std::to_string(warned) + (warned == 1 ? " warning\n" : " warnings\n");
}

} // namespace

std::string findings_text(const Findings& findings, bool colour) {
    std::string text;
    for (const Finding& finding : findings) {
        const Look look = look_of(finding.verdict);
        std::string check = finding.check;
        check.resize(std::max(check.size(), check_width), ' ');
        text += system::coloured(look.word, look.colour, colour) + "  " + check + ' ' + finding.says + '\n';
        if (!finding.fix.empty()) text += std::string(6, ' ') + "-> " + finding.fix + '\n';
    }
    return text + summary(findings);
}

config::Json to_json(const std::string& connection, const Findings& findings) {
    using config::Json;
    Json list = Json::array();
    for (const Finding& finding : findings)
        list.push(Json::object({{"check", finding.check},
                                {"verdict", look_of(finding.verdict).token},
                                {"says", finding.says},
                                {"fix", finding.fix}}));
    return Json::object({{"version", 1},
                         {"name", connection},
                         {"failed", count(findings, Verdict::fail)},
                         {"warnings", count(findings, Verdict::warn)},
                         {"checks", std::move(list)}});
}

bool any_failed(const Findings& findings) { return count(findings, Verdict::fail) > 0; }

} // namespace vpn::client::checks
