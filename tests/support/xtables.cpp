#include "tests/support/xtables.hpp"

#include <sstream>
#include <string>
#include <string_view>

namespace vpn::test {
namespace {

constexpr std::uint32_t none = 0xffffffff;
constexpr std::uint32_t input_forward_output = 0xe;

/// In hexadecimal; after an asterisk, how many zeros.
constexpr std::string_view v4_entries =
    "*16 65746830 *28 ffffffffff *27 11 *7 e001080202 *19 50006d756c7469706f7274 *20 010103350038c720cb *25 01 *14 "
    "2001636f6d6d656e74 *23 7468652056504e *249 28 *31 feffffff *92 7000980002 *19 28 *31 ffffffff *92 7000980004 *19 28 "
    "*31 7806 *6 0a42 *6 ffffff *5 76706e2b *12 646f636b657230 *9 ffffff *13 ffffffffffffffff *11 02 *4 3801600104 *19 "
    "c800636f6e6e747261636b *20 03 *146 01 *3 0a *17 28 *31 feffffff *92 7000980004 *19 28 *31 ffffffff *92 7000980008 *19 "
    "28 *31 feffffff *92 7000b0 *21 40004552524f52 *25 444f434b45522d55534552 *109 7000980004 *19 28 *31 fbffffff *92 "
    "7000b0 *21 40004552524f52 *25 4552524f52 *27";

constexpr std::string_view v6_entries =
    "*140 a800d00002 *23 28 *31 feffffff *4 fd66 *30 ffffffffffffffff *88 11000005 *8 d800000104 *23 3000756470 *29 "
    "ffffe803d007 *8 28 *31 5805 *134 06000001 *8 d800000104 *23 3000746370 *29 ffff500050 *9 280052454a454354 *24 04 *147 "
    "a800d00004 *23 28 *31 ffffffff *144 a800d00008 *23 28 *31 feffffff *144 a800e8 *25 40004552524f52 *25 6d696e65 *92 "
    "76706e73 *28 ffffffffff *39 a800d00004 *23 28 *31 feffffff *144 a800d00004 *23 28 *31 fbffffff *144 a800e8 *25 "
    "40004552524f52 *25 4552524f52 *27";

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> bytes;
    std::istringstream words{std::string(text)};
    for (std::string word; words >> word;) {
        if (word.front() == '*') bytes.insert(bytes.end(), std::stoul(word.substr(1)), std::byte{0});
        if (word.front() == '*') continue;
        for (std::size_t i = 0; i + 1 < word.size(); i += 2)
            bytes.push_back(static_cast<std::byte>(std::stoul(word.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

} // namespace

system::Xtable captured_v4() {
    return {Family::v4, input_forward_output, {none, 0, 672, 1328, none}, {none, 520, 1176, 1328, none}, bytes_of(v4_entries)};
}

system::Xtable captured_v6() {
    return {Family::v6, input_forward_output, {none, 0, 208, 928, none}, {none, 0, 720, 928, none}, bytes_of(v6_entries)};
}

} // namespace vpn::test
