#include "vpn-client/control_messages.hpp"

#include <doctest/doctest.h>

using namespace vpn::client;

TEST_CASE("requests come through as they were sent") {
    for (const Request request : {Request::status, Request::disconnect}) {
        CHECK(decode_request(encode(request)) == request);
        CHECK(encode(request).find('\n') == std::string::npos);
    }
}

TEST_CASE("what is no request is none") {
    for (const char* line : {"", "{}", "status", "null", "[]", R"({"command":"status"})", R"({"version":2,"command":"status"})",
                             R"({"version":1,"command":"shutdown"})", R"({"version":1,"command":7})", R"({"version":1})"}) {
        CAPTURE(line);
        CHECK_FALSE(decode_request(line));
    }
}
