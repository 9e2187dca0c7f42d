// What Prometheus reads: its text format, and what it finds there of a server.
#include "vpn-server/metrics.hpp"

#include "tests/vpn-server/samples.hpp"
#include "vpn-server/exposition.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

namespace vpn::server {
namespace {

using samples::holds;
using std::chrono::seconds;

Now at(std::int64_t second) { return {Boot(seconds(second)), Wall(seconds(1'800'000'000 + second))}; }

StatusReport report_of(const config::ServerConfig& config) {
    StatusReport report;
    report.interface = "vpns";
    report.started = at(0);
    PeerActivity active{Endpoint::parse("203.0.113.7:4000"), at(7488), ByteCount{1'258'291}, ByteCount{812}, 3, {}};
    active.drops.add(protocol::Drop::old_timestamp);
    active.over_connections = 4;
    report.peers = {{&config.peers[0], {}}, {&config.peers[1], active}};
    report.drops.add(protocol::Drop::bad_mac1);
    report.over_connections = 5;
    return report;
}

Load some_load() {
    return {.handshakes = 7,
            .queues = {.handshakes = 5, .handshakes_max = 4096, .cookie_replies = 1, .staged_packets = 9},
            .threads = {{"vpn-out-0", std::chrono::milliseconds(1250)}, {"vpn-server", Duration(0)}}};
}

/// Without its line, so that `has` finds whole lines only.
bool has(const std::string& text, const std::string& line) { return holds('\n' + text, '\n' + line + '\n'); }

} // namespace

TEST_CASE("a family has its help and its type, and each sample a line") {
    Exposition out;
    out.gauge("rain_depth", "How deep it stands.");
    out.sample({}, std::uint64_t{18'446'744'073'709'551'615U});
    out.counter("drops_total", "How many fell.");
    out.sample({{"where", "roof"}, {"wind", "west"}}, 0.5);
    CHECK(out.text() == "# HELP rain_depth How deep it stands.\n# TYPE rain_depth gauge\nrain_depth 18446744073709551615\n"
                        "# HELP drops_total How many fell.\n# TYPE drops_total counter\n"
                        "drops_total{where=\"roof\",wind=\"west\"} 0.5\n");
}

TEST_CASE("a label's value may hold anything: quotes, backslashes and ends of lines are escaped") {
    Exposition out;
    out.gauge("g", "G.");
    out.sample({{"name", "a\"b\\c\nd łódź {}=,"}}, std::uint64_t{1});
    CHECK(has(out.text(), R"(g{name="a\"b\\c\nd łódź {}=,"} 1)"));
}

TEST_CASE("the server, its load, its drops by reason and its peers by name are told") {
    const config::ServerConfig config = samples::config();
    const std::string text = metrics_text(report_of(config), some_load(), at(7500));
    for (const char* line : {"vpn_start_time_seconds 1.8e+09",
                             "vpn_peers 2",
                             "vpn_peers_online 1",
                             "vpn_handshakes_total 7",
                             "vpn_handshake_queue_depth 5",
                             "vpn_handshake_queue_capacity 4096",
                             "vpn_cookie_reply_queue_depth 1",
                             "vpn_staged_packets 9",
                             "vpn_thread_cpu_seconds_total{thread=\"vpn-out-0\"} 1.25",
                             "vpn_thread_cpu_seconds_total{thread=\"vpn-server\"} 0",
                             "vpn_drops_total{reason=\"bad-mac1\"} 1",
                             "vpn_drops_total{reason=\"replayed\"} 0",
                             "vpn_drops_total{reason=\"over-connections\"} 5",
                             "vpn_peer_drops_total{peer=\"gateway\",reason=\"over-connections\"} 4",
                             "vpn_peer_online{peer=\"laptop\"} 0",
                             "vpn_peer_online{peer=\"gateway\"} 1",
                             "vpn_peer_received_bytes_total{peer=\"gateway\"} 1258291",
                             "vpn_peer_sent_bytes_total{peer=\"gateway\"} 812",
                             "vpn_peer_handshakes_total{peer=\"gateway\"} 3",
                             "vpn_peer_handshakes_total{peer=\"laptop\"} 0",
                             "vpn_peer_last_handshake_timestamp_seconds{peer=\"gateway\"} 1800007488",
                             "vpn_peer_drops_total{peer=\"gateway\",reason=\"old-timestamp\"} 1"}) {
        CAPTURE(line);
        CHECK(has(text, line));
    }
    CHECK(holds(text, "vpn_build_info{version=\""));
    CHECK(holds(text, "interface=\"vpns\"} 1\n"));
    CHECK_FALSE(holds(text, "vpn_peer_last_handshake_timestamp_seconds{peer=\"laptop\"}")); // there was none
    CHECK_FALSE(holds(text, "vpn_peer_drops_total{peer=\"laptop\""));
}

TEST_CASE("every reason is told of the server, those that come later too") {
    const std::string text = metrics_text({}, {}, at(1));
    for (std::size_t i = 0; i < protocol::drop_reasons; ++i)
        CHECK(has(text, "vpn_drops_total{reason=\"" + std::string(name_of(static_cast<protocol::Drop>(i))) + "\"} 0"));
}

TEST_CASE("no metric holds a key or an address") {
    const config::ServerConfig config = samples::config();
    const std::string text = metrics_text(report_of(config), some_load(), at(7500));
    CHECK_FALSE(holds(text, config.peers[0].public_key.to_string()));
    CHECK_FALSE(holds(text, "203.0.113.7"));
    CHECK_FALSE(holds(text, "10.66."));
}

TEST_CASE("ten thousand peers' samples stay together by family, each with one help and one type") {
    config::ServerConfig config = samples::config();
    StatusReport report;
    for (int i = 0; i < 10'000; ++i) report.peers.push_back({&config.peers[0], {}});
    std::istringstream text(metrics_text(report, {}, at(1)));
    std::string family;
    std::size_t families = 0;
    std::size_t samples = 0;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("# HELP ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
            ++families;
        } else if (line.starts_with("# TYPE ")) {
            REQUIRE(line.starts_with("# TYPE " + family + ' '));
        } else {
            REQUIRE(line.substr(0, line.find_first_of("{ ")) == family);
            ++samples;
        }
    }
    CHECK(families == 17);
    CHECK(samples == 10 + protocol::drop_reasons + 4 * 10'000);
}

} // namespace vpn::server
