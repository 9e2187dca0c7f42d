// Files that somebody made to hurt whoever opens them (THREATS, "hostile files"): both kinds of file refuse each, at once, with
// a line, a bounded message, and nothing in it that a terminal obeys.
#include "common/config/client_config.hpp"
#include "common/config/server_config.hpp"
#include "common/config/wg_quick.hpp"
#include "tests/config/faults.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace vpn::config {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    result.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) result += text;
    return result;
}

struct Hostile {
    std::string text;
    int line;
    std::string message;
};

std::vector<Hostile> hostile_files() {
    using namespace std::string_literals;
    const std::string head = "{\"version\": 1,\n";
    return {
        {"", 1, "expected a value, found the end of the text"},
        {"\0"s, 1, "there is a NUL byte in the text"},
        {"\x7f"
         "ELF\x02\x01\x01\0\0"s,
         1, "there is a NUL byte in the text"},
        {"\xff\xfe{\0}\0"s, 1, "there is a NUL byte in the text"},
        {"\xef\xbb\xbf", 1, "expected a value, found the end of the text"},
        {head + repeated("[", 5'000'000), 2, "expected a key in double quotes, found '['"},
        {head + "\"peers\": " + repeated("[", 5'000'000), 2, "nested more than 16 levels deep"},
        {head + "\"peers\": " + repeated("{\"a\":", 2'000'000), 2, "nested more than 16 levels deep"},
        {head + "\"peers\": [" + repeated("0,", 5'000'000) + "0]}", 2, ""},
        {head + "\"a\": \"" + std::string(1'000'000, 'x') + "\"}", 2, "unknown key \"a\" in the file"},
        {head + "\"" + std::string(1'000'000, 'x') + "\": 1}", 2, "unknown key \"" + std::string(64, 'x') + "...\" in the file"},
        {head + "\n\"version\": 1}", 3, "the key \"version\" appears twice in the same object"},
        {head + "\"\\u001b]0;owned\\u0007\": 1}", 2, "unknown key \"\\x1b]0;owned\\x07\" in the file"},
        {head + "\"\x1b]0;owned\x07\": 1}", 2, "a string holds a control character, which must be written as \\u00XX"},
        {head + "\"\xe2\x80\xae"
                "gpj.exe\": 1}",
         2, "unknown key \"\\xe2\\x80\\xaegpj.exe\" in the file"},
        {head + "\"interface\": 1e400}", 2, "number out of range"},
        {head + "\"interface\": " + std::string(1'000'000, '9') + "}", 2, "number out of range"},
        {head + "\"interface\": -" + std::string(1'000'000, ' ') + "1}", 2, "malformed number"},
        {head + "\"peers\": []}}", 2, "expected nothing more after the outermost value, found '}'"},
        {head + "\"peers\": []}\n\n{\"version\": 1}", 4, "expected nothing more after the outermost value, found '{'"},
        {"{\"version\": 1e0}", 1,
         "\"version\" must be 1, the only version that this program knows, found a number that is no plain integer"},
        {"{\"version\": 99999999999999999999}", 1,
         "\"version\" must be 1, the only version that this program knows, found a number that is no plain integer"},
        {"{\"version\": true}", 1, "\"version\" must be 1, the only version that this program knows, found true"},
        {"[Interface]\nPrivateKey = x\n", 1, "expected a value, found something that is not JSON"},
    };
}

void check_harmless(const ConfigError& error) {
    CHECK(error.text().size() < 400);
    CHECK(std::none_of(error.message.begin(), error.message.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }));
}

} // namespace

TEST_CASE("hostile files are refused with a line and a harmless message") {
    for (const Hostile& file : hostile_files()) {
        INFO(file.text.substr(0, 80));
        const auto client = decode_client(file.text, "f.json");
        const auto server = decode_server(file.text, "f.json");
        REQUIRE(!client);
        REQUIRE(!server);
        for (const ConfigError& error : {client.error(), server.error()}) {
            CHECK(error.file == "f.json");
            CHECK(error.line == file.line);
            if (!file.message.empty()) CHECK(error.message == file.message);
            check_harmless(error);
        }
    }
}

TEST_CASE("a file that is too long is refused unread") {
    const std::string long_text = samples::client_file() + std::string(std::size_t{16} << 20U, ' ');
    CHECK(fault_text(decode_client(long_text, "f.json")) == "f.json: longer than 16777216 bytes");
    CHECK(decode_client(samples::client_file() + std::string(1'000'000, '\n'), "f.json"));
}

TEST_CASE("lists have an end") {
    const auto client = [](std::string_view from, const std::string& to) {
        return fault_text(decode_client(samples::with(samples::client_file(), from, to), "f.json"));
    };
    CHECK(client("[\"9.9.9.9\"]", "[" + repeated("\"9.9.9.9\",", 16) + "\"9.9.9.9\"]") ==
          "f.json:6: \"dns\" has 17 items, more than 16");
    CHECK(client("[\"10.66.0.2/32\", \"fd66::2/128\"]", "[" + repeated("\"10.0.0.1\",", 64) + "\"10.0.0.1\"]") ==
          "f.json:5: \"addresses\" has 65 items, more than 64");
    CHECK(client("[\"0.0.0.0/0\", \"::/0\"]", "[" + repeated("\"::/0\",", 200'000) + "\"::/0\"]") ==
          "f.json:16: \"allowed_ips\" has 200001 items, more than 200000");
    const std::string head = R"({"version": 1, "interface": {"private_key": "PRIVATE", "addresses": ["10.0.0.1"]}, "peers": [)";
    CHECK(fault_text(decode_client(samples::with_keys(head + repeated("{},", 1024) + "{}]}"), "f.json")) ==
          "f.json:1: \"peers\" has 1025 items, more than 1024");
}

TEST_CASE("carriage returns and a byte order mark are welcome, and lines are counted the same") {
    std::string windows = "\xef\xbb\xbf";
    for (const char c : samples::client_file()) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
    CHECK(decode_client(windows, "f.json"));
    CHECK(fault_text(decode_client(samples::with(windows, "25", "-1"), "f.json")) ==
          "f.json:17: \"persistent_keepalive\" must be a number from 0 to 65535, found -1");
}

TEST_CASE("names with escape codes reach nobody's terminal") {
    for (const char* name : {"\\u001b[2J", "a\\u009bb", "\\u202egnp", "\\u0000", "a\\nb", "\\ud83d\\ude00/", "tab\\t"}) {
        const auto client =
            decode_client(samples::with(samples::client_file(), "\"vps\"", '"' + std::string(name) + '"'), "f.json");
        REQUIRE(!client);
        CHECK(client.error().line == 12);
        check_harmless(client.error());
    }
}

TEST_CASE("every value of the wrong kind is refused where it stands") {
    const std::vector<std::string> values{"null", "true", "1",    "-1",     "1.5", "\"\"", "\"\\u0000\"",
                                          "[]",   "{}",   "[[]]", "[null]", "[1]", "[{}]"};
    const auto check_each = [&](const std::string& good, auto decode) {
        std::size_t tried = 0;
        int line = 1;
        for (std::size_t start = 0; start < good.size(); ++line) {
            const std::size_t end = good.find('\n', start);
            const std::string_view text = std::string_view(good).substr(start, end - start);
            const std::size_t colon = text.find("\": ");
            const bool opens = text.ends_with('{') || (text.ends_with('[') && !text.ends_with("[]"));
            if (colon != std::string_view::npos && !opens) {
                for (const std::string& value : values) {
                    std::string changed = good.substr(0, start + colon + 3) + value;
                    if (text.ends_with(',')) changed += ',';
                    changed += good.substr(end);
                    const auto decoded = decode(changed);
                    if (decoded) continue; // another good value, such as an empty list
                    ++tried;
                    INFO(changed.substr(start, 60));
                    CHECK(decoded.error().line == line);
                    check_harmless(decoded.error());
                }
            }
            start = end + 1;
        }
        return tried;
    };
    CHECK(check_each(samples::client_file(), [](const std::string& text) { return decode_client(text, "f.json"); }) > 120);
    CHECK(check_each(samples::server_file(), [](const std::string& text) { return decode_server(text, "f.json"); }) > 200);
}

} // namespace vpn::config
