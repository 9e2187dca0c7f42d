#include "vpn-client/dns/dns_plan.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

namespace {

using Texts = std::vector<std::string>;

config::ClientConfig with_dns(config::ClientConfig config, std::initializer_list<std::string_view> servers, Texts domains = {}) {
    for (const std::string_view server : servers) config.interface.dns.push_back(address(server));
    config.interface.dns_domains = std::move(domains);
    return config;
}

config::ClientConfig full(std::initializer_list<std::string_view> servers, Texts domains = {}) {
    return with_dns(connection_taking({"0.0.0.0/0", "::/0"}), servers, std::move(domains));
}
config::ClientConfig split(std::initializer_list<std::string_view> servers, Texts domains = {}) {
    return with_dns(connection_taking({"10.66.0.0/24"}), servers, std::move(domains));
}

} // namespace

TEST_CASE("without dns in the file nothing is planned") {
    CHECK(plan_dns(full({}), true) == DnsPlan{});
    CHECK(plan_dns(split({}), true).empty());
}

TEST_CASE("a full tunnel takes every question, in the order of its servers") {
    const DnsPlan plan = plan_dns(full({"9.9.9.9", "2620:fe::fe"}), true);
    CHECK(plan.servers == std::vector{address("9.9.9.9"), address("2620:fe::fe")});
    CHECK(plan.every_name);
    CHECK(plan.full_tunnel);
    CHECK(plan.warnings.empty());
}

TEST_CASE("the halves of everything are a full tunnel, and one family is enough") {
    CHECK(plan_dns(with_dns(connection_taking({"0.0.0.0/1", "128.0.0.0/1"}), {"9.9.9.9"}), true).every_name);
}

TEST_CASE("a full tunnel that excludes something takes every question still") {
    const DnsPlan plan =
        plan_dns(with_dns(connection_taking({"0.0.0.0/0", "!192.168.0.0/16"}), {"9.9.9.9"}, {"corp.example"}), true);
    CHECK(plan.full_tunnel);
    CHECK(plan.every_name);
}

TEST_CASE("domains of a full tunnel are searched, and take nothing away") {
    const DnsPlan plan = plan_dns(full({"9.9.9.9"}, {"corp.example", "~lab.example"}), true);
    CHECK(plan.search == Texts{"corp.example"});
    CHECK(plan.routed == Texts{"lab.example"});
    CHECK(plan.every_name);
}

TEST_CASE("a split tunnel takes the questions for its domains") {
    const DnsPlan plan = plan_dns(split({"10.66.0.53"}, {"corp.example.", "~lab.example"}), true);
    CHECK(plan.search == Texts{"corp.example"});
    CHECK(plan.routed == Texts{"lab.example"});
    CHECK_FALSE(plan.every_name);
    CHECK_FALSE(plan.full_tunnel);
}

TEST_CASE("a split tunnel without domains, or with ~., takes every question") {
    CHECK(plan_dns(split({"10.66.0.53"}), true).every_name);
    const DnsPlan plan = plan_dns(split({"10.66.0.53"}, {"corp.example", "~."}), true);
    CHECK(plan.every_name);
    CHECK(plan.search == Texts{"corp.example"});
    CHECK(plan.routed.empty());
}

TEST_CASE("where one program is apart, its servers take every question, whatever the domains") {
    const DnsPlan plan = plan_dns_apart(split({"10.66.0.53"}, {"corp.example", "~lab.example"}));
    CHECK(plan.every_name);
    CHECK(plan.search == Texts{"corp.example"});
    CHECK_FALSE(plan_dns_apart(split({})).every_name);
}

TEST_CASE("a name server outside the tunnel is not asked, and that is said") {
    const DnsPlan plan = plan_dns(split({"9.9.9.9", "10.66.0.53"}), true);
    CHECK(plan.servers == std::vector{address("10.66.0.53")});
    REQUIRE(plan.warnings.size() == 1);
    CHECK(plan.warnings.front().find("9.9.9.9") != std::string::npos);
    CHECK(plan_dns(split({"9.9.9.9"}), true).empty());
}

TEST_CASE("without IPv6 on the machine its name servers are left out") {
    const DnsPlan plan = plan_dns(full({"2620:fe::fe", "9.9.9.9"}), false);
    CHECK(plan.servers == std::vector{address("9.9.9.9")});
    CHECK(plan.warnings.size() == 1);
}

TEST_CASE("domains without a name server change nothing, and that is said") {
    const DnsPlan plan = plan_dns(full({}, {"corp.example"}), true);
    CHECK(plan.empty());
    CHECK(plan.search.empty());
    CHECK(plan.warnings.size() == 1);
}
