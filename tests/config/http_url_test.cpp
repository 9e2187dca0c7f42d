#include "common/config/http_url.hpp"

#include <doctest/doctest.h>

namespace vpn::config {
namespace {

std::string read(std::string_view text) {
    const auto parsed = HttpUrl::parse(text);
    return parsed ? parsed->to_string() : "";
}

} // namespace

TEST_CASE("an address of HTTP is a host, perhaps a port, and a path") {
    CHECK(read("http://example.org/a/b?c=d") == "http://example.org/a/b?c=d");
    CHECK(read("http://example.org") == "http://example.org/");
    CHECK(read("http://example.org?a") == "http://example.org/?a");
    CHECK(read("http://example.org:80/") == "http://example.org/");
    CHECK(read("http://example.org:8080/x") == "http://example.org:8080/x");
    CHECK(read("http://203.0.113.80/") == "http://203.0.113.80/");
    CHECK(read("http://[2001:DB8::1]/") == "http://[2001:db8::1]/");
    CHECK(read("http://[2001:db8::1]:81/") == "http://[2001:db8::1]:81/");
    CHECK(HttpUrl::parse("http://example.org:8080/x")->host_header() == "example.org:8080");
    CHECK(HttpUrl::parse(well_known_portal_check().to_string()) == well_known_portal_check());
}

TEST_CASE("what is more or less than that is refused") {
    for (const std::string_view text : {"",
                                        "http://",
                                        "http:///path",
                                        "https://example.org/",
                                        "HTTP://example.org/",
                                        "example.org",
                                        "//example.org/",
                                        "http://user@example.org/",
                                        "http://user:word@example.org/",
                                        "http://example.org:0/",
                                        "http://example.org:65536/",
                                        "http://example.org:x/",
                                        "http://2001:db8::1/",
                                        "http://exa mple.org/",
                                        "http://example.org/a b",
                                        "http://example.org/#part",
                                        "http://example.org/\r\nHost: other",
                                        "http://example.org/\x7f",
                                        "http://example.org/\xc3\xa9",
                                        "http://-/",
                                        "http://[/"}) {
        CAPTURE(text);
        CHECK_FALSE(HttpUrl::parse(text));
    }
    CHECK(HttpUrl::parse("http://example.org/" + std::string(1023, 'a')));
    CHECK_FALSE(HttpUrl::parse("http://example.org/" + std::string(1024, 'a')));
}

TEST_CASE("a refusal repeats nothing that a terminal would obey") {
    const auto refused = HttpUrl::parse("ftp://\x1b[2J");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find('\x1b') == std::string::npos);
}

} // namespace vpn::config
