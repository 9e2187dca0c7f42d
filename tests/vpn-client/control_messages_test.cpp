#include "vpn-client/control_messages.hpp"

#include <doctest/doctest.h>

using namespace vpn::client;

TEST_CASE("requests come through as they were sent") {
    using namespace std::chrono_literals;
    for (const Request request : {Request{Command::status}, Request{Command::disconnect}, Request{Command::pause, 300s},
                                  Request{Command::pause, 0s}, Request{Command::pause, 24h}}) {
        CHECK(decode_request(encode(request)) == request);
        CHECK(encode(request).find('\n') == std::string::npos);
    }
}

TEST_CASE("what is no request is none") {
    for (const char* line : {"", "{}", "status", "null", "[]", R"({"command":"status"})", R"({"version":2,"command":"status"})",
                             R"({"version":1,"command":"shutdown"})", R"({"version":1,"command":7})",
                             R"({"version":1,"command":"pause"})", R"({"version":1,"command":"pause","seconds":-1})",
                             R"({"version":1,"command":"pause","seconds":86401})", R"({"version":1})"}) {
        CAPTURE(line);
        CHECK_FALSE(decode_request(line));
    }
}
