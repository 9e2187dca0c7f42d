#include "common/config/allowed_ip.hpp"

#include "common/config/client_config.hpp"
#include "tests/config/faults.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace vpn::config {
namespace {

std::vector<Prefix> prefixes(const std::vector<std::string>& texts) {
    std::vector<Prefix> list;
    for (const std::string& text : texts) list.push_back(*Prefix::parse(text));
    return list;
}

/// A client's file whose `allowed_ips` are at line 16.
std::string file_with(const std::string& allowed_ips) {
    return samples::with(samples::client_file(), R"("0.0.0.0/0", "::/0")", allowed_ips);
}

/// With a second peer, which has `others` at line 17.
std::string file_with(const std::string& allowed_ips, const std::string& others) {
    return samples::with(file_with(allowed_ips), R"("suite": "wireguard"
    })",
                         R"("suite": "wireguard"
    }, {"public_key": ")" + std::string(samples::other_public_key) +
                             R"(", "allowed_ips": [)" + others + "]}");
}

std::vector<Prefix> goes_through(const std::string& text) {
    const auto config = decode_client(text, "c.json");
    REQUIRE_MESSAGE(config, fault_text(config));
    return config->peers[0].allowed_ips;
}

std::string fault_of(const std::string& text) { return fault_text(decode_client(text, "c.json")); }

} // namespace

TEST_CASE("an item is a prefix, or one behind an exclamation mark, host bits cleared") {
    CHECK(AllowedIp::parse("10.1.2.3/8") == AllowedIp{*Prefix::parse("10.0.0.0/8"), false});
    CHECK(AllowedIp::parse("!fd66::1/64") == AllowedIp{*Prefix::parse("fd66::/64"), true});
    CHECK(AllowedIp::parse("!192.0.2.1")->to_string() == "!192.0.2.1/32");
    for (const char* text : {"", "!", "!!10.0.0.0/8", "! 10.0.0.0/8", "10.0.0.0/8!", "!10.0.0.0/33", "!all"})
        CHECK_FALSE(AllowedIp::parse(text));
}

TEST_CASE("what is excluded does not go through the tunnel, whatever the order, and the file is written back as it was") {
    const std::string text = file_with(R"("!10.64.0.0/10", "10.0.0.0/8", "2001:db8::/32", "!2001:db8:8000::/33")");
    CHECK(goes_through(text) == prefixes({"10.0.0.0/10", "10.128.0.0/9", "2001:db8::/33"}));
    const auto config = decode_client(text, "c.json");
    CHECK(decode_client(encode(*config), "c.json") == *config);
    CHECK(encode(*config).find(R"("!10.64.0.0/10",)") != std::string::npos);
    CHECK(config->clone() == *config);
    CHECK(goes_through(file_with(R"("0.0.0.0/0", "!192.168.0.0/16", "!10.0.0.0/8")")).size() == 15 + 7);
}

TEST_CASE("what is listed beside something shorter outranks another peer's prefix with an exclusion as it does without") {
    const std::string others = R"("10.0.0.0/8")";
    const auto first = goes_through(file_with(R"("172.16.0.0/12", "10.1.0.0/16", "!172.16.5.0/24")", others));
    CHECK(std::ranges::find(first, *Prefix::parse("10.1.0.0/16")) != first.end());
    const auto halves = goes_through(file_with(R"("10.0.0.0/9", "10.128.0.0/9", "172.16.0.0/12", "!172.16.5.0/24")", others));
    CHECK(std::ranges::find(halves, *Prefix::parse("10.0.0.0/9")) != halves.end());
    CHECK(std::ranges::find(halves, *Prefix::parse("10.0.0.0/8")) == halves.end());
    const auto all = goes_through(file_with(R"("0.0.0.0/0", "10.1.0.0/16", "!192.168.0.0/16")", others));
    CHECK(std::ranges::find(all, *Prefix::parse("10.1.0.0/16")) != all.end());
    const auto nested = goes_through(file_with(R"("10.0.0.0/8", "10.1.0.0/16", "!10.2.0.0/16")"));
    CHECK(std::ranges::find(nested, *Prefix::parse("10.1.0.0/16")) != nested.end());
}

TEST_CASE("a list without exclusions stays as it is") {
    CHECK(goes_through(file_with(R"("10.0.0.0/9", "10.128.0.0/9")")) == prefixes({"10.0.0.0/9", "10.128.0.0/9"}));
}

TEST_CASE("exclusions that can't be meant are refused, with line and what to do") {
    const std::string at = "c.json:16: ";
    CHECK(fault_of(file_with(R"("0.0.0.0/0", "!10.0.0.0/33")")) ==
          at + R"("allowed_ips" must be an IP prefix behind the !, as in "!192.168.0.0/16", found "!10.0.0.0/33")");
    CHECK(fault_of(file_with(R"("10.0.0.0/8", "!192.168.0.0/16")")) ==
          at + R"("!192.168.0.0/16" excludes nothing: no prefix of this list is around it)");
    CHECK(fault_of(file_with(R"("0.0.0.0/0", "!fd00::/8")")) ==
          at + R"("!fd00::/8" excludes nothing: no prefix of this list is around it)");
    CHECK(fault_of(file_with(R"("!10.0.0.0/8")")) ==
          at + R"("!10.0.0.0/8" excludes nothing: no prefix of this list is around it)");
    CHECK(fault_of(file_with(R"("10.0.0.0/8", "!10.0.0.0/8")")) ==
          at + R"(10.0.0.0/8 is listed, and excluded by "!10.0.0.0/8": take one of them out)");
    CHECK(fault_of(file_with(R"("0.0.0.0/0", "10.1.0.0/16", "!10.0.0.0/8")")) ==
          at + R"(10.1.0.0/16 is listed, and excluded by "!10.0.0.0/8": take one of them out)");
    CHECK(fault_of(file_with(R"("0.0.0.0/0", "!0.0.0.0/0")")) ==
          at + R"(0.0.0.0/0 is listed, and excluded by "!0.0.0.0/0": take one of them out)");
    CHECK(fault_of(file_with(R"("10.0.0.0/8", "!10.0.0.0/9", "!10.128.0.0/9")")) ==
          at + "the exclusions leave nothing of this list");
    CHECK(fault_of(file_with(R"("10.0.0.0/8", "!10.0.0.0/9", "!10.0.0.0/9")")) == at + R"("!10.0.0.0/9" is there twice)");
    CHECK(fault_of(file_with(R"("10.0.0.0/8", "!10.0.0.0/9", "10.0.0.0/8")")) ==
          at + R"(10.0.0.0/8 is listed twice for peer "vps")");
}

TEST_CASE("no more exclusions than a person would write") {
    std::string list = R"("0.0.0.0/0")";
    for (int i = 0; i < 257; ++i) list += R"(, "!10.)" + std::to_string(i / 256) + '.' + std::to_string(i % 256) + R"(.0/24")";
    CHECK(fault_of(file_with(list)) == R"(c.json:16: "allowed_ips" excludes more than 256 prefixes)");
}

TEST_CASE("what another peer has must be excluded too, where long remains would win over it") {
    CHECK(fault_of(file_with(R"("0.0.0.0/0", "!10.1.0.0/16")", R"("10.0.0.0/8")")) ==
          R"(c.json:16: 10.0.0.0/8 belongs to peer 2: a list with exclusions has to exclude it, too: add "!10.0.0.0/8")");
    // 128.0.0.0/1 is just what remains.
    CHECK(fault_of(file_with(R"("0.0.0.0/0", "!10.0.0.0/8")", R"("128.0.0.0/1")")) ==
          R"(c.json:16: 128.0.0.0/1 belongs to peer 2: a list with exclusions has to exclude it, too: add "!128.0.0.0/1")");
    goes_through(file_with(R"("0.0.0.0/0", "!10.0.0.0/8")", R"("10.0.0.0/8")"));
    goes_through(file_with(R"("0.0.0.0/0", "!10.0.0.0/8")", R"("192.168.7.0/24")"));
    goes_through(file_with(R"("10.0.0.0/8", "!10.1.0.0/16")", R"("0.0.0.0/0")"));
}

} // namespace vpn::config
