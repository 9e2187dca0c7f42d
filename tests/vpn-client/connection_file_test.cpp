#include "vpn-client/connection_file.hpp"

#include "tests/vpn-client/samples.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using vpn::system::ExitCode;

namespace {

const ConnectionName laptop{"laptop", "/etc/vpn/laptop.json"};

std::string file_with(const std::string& more) {
    return R"({"version": 1, "interface": {"private_key": "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "addresses": ["10.66.0.2/32"])" +
           more +
           R"(}, "peers": [{"public_key": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "endpoint": "198.51.100.10:51820",
                 "allowed_ips": ["10.66.0.0/24"]}]})";
}

const std::string wg_quick = R"([Interface]
PrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
Address = 10.66.0.2/32
PostUp = echo hello
Table = off
FwMark = 7
Jc = 4
[Peer]
PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
Endpoint = 198.51.100.10:51820
AllowedIPs = 0.0.0.0/0
)";

} // namespace

TEST_CASE("the interface is called like the connection, unless the file says otherwise") {
    CHECK(decode_connection(laptop, file_with(""))->config.interface.name == "laptop");
    CHECK(decode_connection(laptop, file_with(R"(, "name": "vpn7")"))->config.interface.name == "vpn7");
}

TEST_CASE("a wrong file is a bad configuration, with its line") {
    const auto refused = decode_connection(laptop, "{\n  \"version\": 1,\n  \"interfaces\": {}\n}\n");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ExitCode::bad_configuration);
    CHECK(refused.error().message.starts_with("/etc/vpn/laptop.json:"));
}

TEST_CASE("a missing file is a bad configuration") {
    const auto refused = load_connection({"nobody", "/nonexistent/nobody.json"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ExitCode::bad_configuration);
}

TEST_CASE("a probe that no peer takes can't answer") {
    const auto refused = decode_connection(laptop, file_with(R"(, "probe": "10.99.0.1")"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ExitCode::bad_configuration);
    CHECK(refused.error().message.find("10.99.0.1") != std::string::npos);
}

TEST_CASE("the probe is asked; without one, the name servers inside; else nobody") {
    CHECK(probe_targets(decode_connection(laptop, file_with(""))->config).none());
    const auto probe =
        probe_targets(decode_connection(laptop, file_with(R"(, "probe": "10.66.0.1", "dns": ["10.66.0.53"])"))->config);
    CHECK(probe.echo == std::vector{address("10.66.0.1")});
    CHECK(probe.dns.empty());
    const auto dns = probe_targets(decode_connection(laptop, file_with(R"(, "dns": ["9.9.9.9", "10.66.0.53"])"))->config);
    CHECK(dns.echo == std::vector{address("10.66.0.53")});
    CHECK(dns.dns == std::vector{address("10.66.0.53")});
}

TEST_CASE("through a full tunnel a name server has to answer too, if the file has one") {
    config::ClientConfig config = connection_taking({"0.0.0.0/0"});
    CHECK(probe_targets(config).none());
    config.interface.probe = address("10.66.0.1");
    CHECK_FALSE(probe_targets(config).both);
    config.interface.dns = {address("9.9.9.9")};
    CHECK(probe_targets(config).both);
    CHECK(probe_targets(config).echo == std::vector{address("10.66.0.1")});
    CHECK(probe_targets(config).dns == std::vector{address("9.9.9.9")});
    config.interface.probe.reset();
    CHECK_FALSE(probe_targets(config).both);
    CHECK(probe_targets(config).echo.empty());
    CHECK(probe_targets(config).dns == std::vector{address("9.9.9.9")});
}

TEST_CASE("the peer that has to answer takes the probe, or is the first with an endpoint") {
    config::ClientConfig config = connection_taking({"10.66.0.0/24"});
    config.peers.emplace_back().allowed_ips = prefixes({"10.67.0.0/24"});
    config.peers[1].endpoint = config::HostPort{"198.51.100.11", Port{51820}};
    CHECK(&main_peer(config) == &config.peers[0]);
    config.interface.probe = address("10.67.0.1");
    CHECK(&main_peer(config) == &config.peers[1]);
    config.interface.probe.reset();
    config.peers[0].endpoint.reset();
    CHECK(&main_peer(config) == &config.peers[1]);
}

TEST_CASE("wg-quick's files connect too; hooks are handed over, and what is done otherwise is named") {
    const auto file = decode_connection({"wg0", "wg0.conf"}, wg_quick);
    REQUIRE(file);
    CHECK(file->config.interface.name == "wg0");
    CHECK(file->config.peers.size() == 1);
    CHECK(file->hooks == std::vector<config::WgQuickLine>{{4, "PostUp", "echo hello"}});
    CHECK_FALSE(file->config.interface.routes);
    CHECK(file->notes == std::vector<std::string>{"note: \"FwMark\" at line 6 is passed over: outer packets carry the mark "
                                                  "0x76706e: \"7\"",
                                                  "note: \"Jc\" at line 7 is not known and is passed over"});
    CHECK(notes_on_hooks(file->hooks, "so") ==
          std::vector<std::string>{"note: \"PostUp\" at line 4 is not run: \"echo hello\"", "note: so"});
    CHECK(notes_on_hooks({}, "so").empty());
}
