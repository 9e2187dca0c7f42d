#include "common/config/json.hpp"

#include "tests/config/samples.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace vpn::config {
namespace {

/// `LINE: message`, as people would read it.
std::string fault(std::string_view text, const JsonLimits& limits = {}) {
    const auto parsed = parse(text, limits);
    return parsed ? "none" : std::to_string(parsed.error().line) + ": " + parsed.error().message;
}

Json parsed(std::string_view text) {
    auto json = parse(text);
    REQUIRE_MESSAGE(json.has_value(), json.error().message);
    return *std::move(json);
}

} // namespace

TEST_CASE("every value knows the line that it stands on") {
    const std::string text = "\n{\n \"number\": 7\n,\"negative\":-7\n,\n\"real\"\n:\n1.5\n, \"list\": [\n1,\n2\n,3],\n"
                             "\"text\":\n\"x\", \"no\": false, \"nothing\":\nnull\n}\n";
    const auto check_lines = [](const Json& json) {
        CHECK(json.line() == 2);
        CHECK(json.find("number")->line() == 3);
        CHECK(json.find("negative")->line() == 4);
        CHECK(json.find("real")->line() == 8);
        const Json& list = *json.find("list");
        CHECK(list.line() == 9);
        CHECK((*list.as_array())[0].line() == 10);
        CHECK((*list.as_array())[1].line() == 11);
        CHECK((*list.as_array())[2].line() == 12);
        CHECK(json.find("text")->line() == 14);
        CHECK(json.find("no")->line() == 14);
        CHECK(json.find("nothing")->line() == 15);
        for (const Json::Member& member : *json.as_object())
            CHECK(member.line == (member.key == "text"      ? 13
                                  : member.key == "real"    ? 6
                                  : member.key == "nothing" ? 14
                                                            : member.value.line()));
    };
    SUBCASE("with newlines") { check_lines(parsed(text)); }
    SUBCASE("with carriage returns before them") {
        std::string windows;
        for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
        check_lines(parsed(windows));
    }
    SUBCASE("behind a byte order mark") { check_lines(parsed("\xef\xbb\xbf" + text)); }
}

TEST_CASE("a number at the very end of the text is on its line") {
    CHECK(parsed("\n\n12").line() == 3);
    CHECK(parsed("\n\n12\n").line() == 3);
    CHECK(parsed("\n\n-1.5e3\n\n").line() == 3);
}

TEST_CASE("values come out as they went in") {
    const Json json = parsed(
        R"({"t": true, "i": -9223372036854775808, "m": 9223372036854775807, "r": 0.5, "s": "\u00e9\n\ud83d\ude00", "n": null,
                                 "a": [], "o": {}})");
    CHECK(json.bool_at("t") == true);
    CHECK(json.integer_at("i") == std::numeric_limits<std::int64_t>::min());
    CHECK(json.integer_at("m") == std::numeric_limits<std::int64_t>::max());
    CHECK(json.find("r")->as_real() == 0.5);
    CHECK(json.find("r")->as_integer() == std::nullopt);
    CHECK(json.string_at("s") == "\xc3\xa9\n\xf0\x9f\x98\x80");
    CHECK(json.find("n")->is_null());
    CHECK(json.find("a")->as_array()->empty());
    CHECK(json.find("o")->as_object()->empty());
    CHECK(json.find("x") == nullptr);
    CHECK(json.string_at("t") == std::nullopt);
    CHECK(Json(1).find("x") == nullptr);
}

TEST_CASE("broken JSON is refused with its line and what was expected") {
    CHECK(fault("") == "1: expected a value, found the end of the text");
    CHECK(fault("\n\n  ") == "3: expected a value, found the end of the text");
    CHECK(fault("{\n\"a\" 1}") == "2: expected ':' after the key, found a number");
    CHECK(fault("{\n\"a\": 1\n\"b\": 2}") == "3: expected ',' or '}' after the value, found a string");
    CHECK(fault("{\n\"a\": 1,\n}") == "3: expected a key in double quotes, found '}' (no comma before it)");
    CHECK(fault("{a: 1}") == "1: expected a key in double quotes, found something that is not JSON");
    CHECK(fault("{\n'a': 1}") == "2: expected a key in double quotes, found a single quote (JSON wants double quotes)");
    CHECK(fault("[1\n2]") == "2: expected ',' or ']' after the value, found a number");
    CHECK(fault("[1,\n]") == "2: expected a value, found ']'");
    CHECK(fault("[1,\n2") == "2: expected ',' or ']' after the value, found the end of the text");
    CHECK(fault("[true\nfalse]") == "2: expected ',' or ']' after the value, found false");
    CHECK(fault("[\nTrue]") == "2: expected a value, found something that is not JSON");
    CHECK(fault("[\n// why\n]") == "2: expected a value, found '/' (JSON has no comments)");
    CHECK(fault("[1\n# why\n]") == "2: expected ',' or ']' after the value, found '#' (JSON has no comments)");
    CHECK(fault("{}\n{}") == "2: expected nothing more after the outermost value, found '{'");
    CHECK(fault("{}\nx") == "2: expected nothing more after the outermost value, found something that is not JSON");
    CHECK(fault("[\n\"abc") == "2: a string has no closing quote");
    CHECK(fault("[\n\"abc\n\"]") == "2: a string has no closing quote on its line");
    CHECK(fault("[\"a\tb\"]") == "1: a string holds a control character, which must be written as \\u00XX");
    CHECK(fault("[\n\"\x1b[31m\"]") == "2: a string holds a control character, which must be written as \\u00XX");
    CHECK(fault("[\"\\x\"]") == "1: a string holds a backslash that escapes nothing");
    CHECK(fault("[\"\\u12\"]") == "1: a string holds a malformed \\u escape");
    CHECK(fault("[\"\\ud800\"]") == "1: a string holds a malformed \\u escape");
    CHECK(fault("[\n\"\xff\"]") == "2: a string is not valid UTF-8");
    CHECK(fault("[\n\"\xc0\x80\"]") == "2: a string is not valid UTF-8");
    CHECK(fault("[\n\"\xed\xa0\x80\"]") == "2: a string is not valid UTF-8");
    CHECK(fault("[\n1.\n]") == "2: malformed number");
    CHECK(fault("[\n-\n]") == "2: malformed number");
    CHECK(fault("[01]") == "1: expected ',' or ']' after the value, found a number");
    CHECK(fault("[\n1e999\n]") == "2: number out of range");
    CHECK(fault("[\n9223372036854775808\n]") == "2: number out of range");
    CHECK(fault("\xef\xbb{}") == "1: malformed byte order mark");
}

TEST_CASE("a NUL byte does not end the text") {
    using namespace std::string_view_literals;
    CHECK(fault("{}\0"sv) == "1: there is a NUL byte in the text");
    CHECK(fault("{}\n\0{\"hidden\": 1}"sv) == "2: there is a NUL byte in the text");
    CHECK(fault("[\n\"a\0b\"]"sv) == "2: there is a NUL byte in the text");
    CHECK(fault("[\n\"a\\u0000b\"]"sv) == "none"); // escaped, it is a character like others
}

TEST_CASE("a key twice is refused by name, in the same object only") {
    CHECK(fault("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}") == "3: the key \"a\" appears twice in the same object");
    CHECK(fault("{\"a\": {\n\"x\": 1, \"x\": 2}}") == "2: the key \"x\" appears twice in the same object");
    CHECK(fault("{\"a\": {\"a\": 1}, \"b\": [{\"a\": 1}, {\"a\": 1}]}") == "none");
    CHECK(fault("{\"\\u001b[2J\": 1, \"\\u001b[2J\": 1}") == "1: the key \"\\x1b[2J\" appears twice in the same object");
}

TEST_CASE("what is too deep, too long or too much is refused") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(fault(nested(16)) == "none");
    CHECK(fault("\n" + nested(17)) == "2: nested more than 16 levels deep");
    CHECK(fault(std::string(1'000'000, '[')) == "1: nested more than 16 levels deep");
    CHECK(fault("[1,2,3]", {.bytes = 6}) == "0: longer than 6 bytes");
    CHECK(fault("[1,2,3]", {.bytes = 7}) == "none");
    CHECK(fault("[1,\n2,\n3]", {.values = 3}) == "3: more than 3 values");
    CHECK(fault("[1,\n2,\n3]", {.values = 4}) == "none");
}

TEST_CASE("an error never repeats what may be a key") {
    const std::string secret = "AKcgyF+gXyubNEBM8vwVu4CxzoWLH9uCB7c+oybrXlk=";
    for (const char* form : {R"({"PRIVATE)", "[\"PRIVATE\n\"]", R"({"private_key" "PRIVATE"})", "[PRIVATE]",
                             R"({"PRIVATE": 1, "PRIVATE": 2})", R"({} "PRIVATE")", R"(["PRIVATE\q"])"}) {
        const std::string text = samples::with(form, "PRIVATE", secret);
        const std::string message = fault(text);
        CHECK(message != "none");
        CHECK(message.find(secret.substr(0, 8)) == std::string::npos);
    }
}

TEST_CASE("format writes one line or a page that people can read") {
    const Json json = Json::object({{"a", 1},
                                    {"list", Json::array({1, "two", true, nullptr, 0.5})},
                                    {"deep", Json::object({{"empty", Json::object()}, {"none", Json::array()}})},
                                    {"pages", Json::array({Json::object({{"x", -1}})})}});
    CHECK(format(json) == R"({"a":1,"list":[1,"two",true,null,0.5],"deep":{"empty":{},"none":[]},"pages":[{"x":-1}]})");
    CHECK(format(json, Layout::pretty) == R"({
  "a": 1,
  "list": [1, "two", true, null, 0.5],
  "deep": {
    "empty": {},
    "none": []
  },
  "pages": [
    {
      "x": -1
    }
  ]
})");
}

TEST_CASE("a long list has a line for each item") {
    Json list = Json::array();
    for (int i = 0; i < 40; ++i) list.push("10.66.0." + std::to_string(i));
    const std::string text = format(list, Layout::pretty);
    CHECK(text.starts_with("[\n  \"10.66.0.0\",\n"));
    CHECK(parsed(text) == list);
    CHECK(format(list).find('\n') == std::string::npos);
}

TEST_CASE("format escapes whatever a terminal or a log would obey") {
    CHECK(format(Json("\x1b[2J\x7f\"\\\n\t\r")) == R"("\u001b[2J\u007f\"\\\n\t\r")");
    CHECK(format(Json("\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81")) == R"("\u009b\u202e\udb40\udc01")"); // C1, direction, tag
    CHECK(format(Json("\xff"
                      "a\xc3")) == "\"\xef\xbf\xbd"
                                   "a\xef\xbf\xbd\"");
    CHECK(format(Json("łódź 😀")) == "\"łódź 😀\"");
    CHECK(format(Json(std::numeric_limits<double>::infinity())) == "null");
    CHECK(format(Json(std::nan(""))) == "null");
    CHECK(format(Json(2.0)) == "2.0");
    CHECK(format(Json(std::numeric_limits<std::uint64_t>::max())) == "9223372036854775807");
}

TEST_CASE("values are built and changed in place") {
    Json json;
    json.set("b", 1).set("a", "x").set("b", 2);
    json.set("list", Json().push(1).push(Json::object({{"k", false}})));
    CHECK(format(json) == R"({"b":2,"a":"x","list":[1,{"k":false}]})");
    const Json copy = json;
    json.set("a", "y");
    CHECK(copy.string_at("a") == "x");
    CHECK(copy != json);
}

TEST_CASE("the items of a long list are handed over one by one, and not kept") {
    const std::string text = R"({
  "before": [7],
  "list": [
    {"list": [1, 2]},
    "two",
    [3]
  ],
  "after": {"list": [8]}
})";
    std::vector<std::string> taken;
    std::vector<int> lines;
    const JsonItems items{"list", [&](const Json& item) {
                              taken.push_back(format(item));
                              lines.push_back(item.line());
                          }};
    const auto json = parse(text, {}, items);
    REQUIRE(json);
    CHECK(taken == std::vector<std::string>{R"({"list":[1,2]})", R"("two")", "[3]"});
    CHECK(lines == std::vector<int>{4, 5, 6});
    CHECK(format(*json) == R"({"before":[7],"list":[],"after":{"list":[8]}})");
    CHECK(json->find("list")->line() == 3);
    for (const std::string_view other : {R"([["list", [1]]])", R"({"list": {"list": [1]}})", R"({"list": 1})", "[1]"}) {
        taken.clear();
        const auto whole = parse(other, {}, items);
        REQUIRE(whole);
        CHECK(taken.empty());
        CHECK(*whole == parsed(other));
    }
    CHECK(parse(R"({"list": [1, 2, }]})", {}, items).error().message == parse(R"({"list": [1, 2, }]})").error().message);
    CHECK_FALSE(parse(R"({"list": [1, 2, 3]})", {.values = 4}, items)); // they count as ever
}

TEST_CASE("a long list is written like one that is held, short, long or hostile") {
    const std::vector<std::string> many(40, "10.66.0.0/16");
    Json held = Json::object({{"name", "{"}, {"some", Json::array({"a", "{"})}, {"none", Json::array()}, {"last", true}});
    held.set("many", Json::array(Json::Array(many.begin(), many.end()))).set("\x1b\"", false);
    const auto write = [&](std::size_t, JsonMembers& out) {
        out.text("name", "{");
        out.texts("some", {"a", "{"});
        out.texts("none", {});
        out.boolean("last", true);
        out.texts("many", many);
        out.boolean("\x1b\"", false);
    };
    for (const std::size_t size : {1, 3, 100}) {
        for (const Json& object : {Json::object({{"version", 1}, {"other", Json::array({held})}}), Json::object()}) {
            Json whole = object;
            whole.set("list", Json::array(Json::Array(size, held)));
            CHECK(format_with(object, {"list", size, write}) == format(whole, Layout::pretty));
        }
    }
    CHECK(format_with(Json::object({{"a", 1}}), {"list", 0, {}}) == "{\n  \"a\": 1,\n  \"list\": []\n}");
}

} // namespace vpn::config
