#include "vpn-client/portal/answer.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace vpn::client;
using vpn::config::HttpUrl;
using Kind = WayOut::Kind;

namespace {

const HttpUrl url = *HttpUrl::parse("http://check.example/there?q=1");

WayOut judged(std::string_view answer) { return judge_portal_answer(answer, url); }

std::string redirect(std::string_view to, unsigned code = 302) {
    return "HTTP/1.1 " + std::to_string(code) + " Found\r\nServer: x\r\nLocation: " + std::string(to) +
           "\r\nContent-Length: 0\r\n\r\n";
}

WayOut portal(std::string host) { return {Kind::portal, std::move(host)}; }

} // namespace

TEST_CASE("the question names the host, and asks for no stored answer") {
    const std::string question = portal_question(url);
    CHECK(question.starts_with("GET /there?q=1 HTTP/1.1\r\nHost: check.example\r\n"));
    CHECK(question.find("Cache-Control: no-cache\r\n") != std::string::npos);
    CHECK(question.find("Connection: close\r\n") != std::string::npos);
    CHECK(question.ends_with("\r\n\r\n"));
}

TEST_CASE("204 is the way open, and so is an empty page") {
    CHECK(judged("HTTP/1.1 204 No Content\r\n\r\n").kind == Kind::open);
    CHECK(judged("HTTP/1.0 204\r\n\r\n").kind == Kind::open);
    CHECK(judged("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").kind == Kind::open);
    CHECK(judged("HTTP/1.1 200 OK\r\n\r\n").kind == Kind::open);
}

TEST_CASE("who leads elsewhere, or shows a page of his own, is a portal") {
    for (const unsigned code : {301U, 302U, 303U, 307U, 308U})
        CHECK(judged(redirect("http://login.hotel.example/welcome?a=b", code)) == portal("login.hotel.example"));
    CHECK(judged(redirect("https://login.hotel.example:8443/x")) == portal("login.hotel.example"));
    CHECK(judged(redirect("HTTPS://Login.Hotel.example")) == portal("Login.Hotel.example"));
    CHECK(judged(redirect("http://192.168.1.1/")) == portal("192.168.1.1"));
    CHECK(judged(redirect("http://[fd00::1]:80/")) == portal("[fd00::1]"));
    CHECK(judged("HTTP/1.1 302 x\nlocation:http://a.example/\n\n") == portal("a.example"));
    CHECK(judged("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>") == portal(""));
    CHECK(judged("HTTP/1.1 200 OK\r\n\r\n<html>") == portal(""));
    CHECK(judged("HTTP/1.1 511 Network Authentication Required\r\n\r\n") == portal(""));
}

TEST_CASE("who it really is that a redirect leads to is not hidden by a user's name, nor by the case") {
    CHECK(judged(redirect("http://bank.example@evil.example/")) == portal("evil.example"));
    CHECK(judged(redirect("http://bank.example:80@evil.example/")) == portal("evil.example"));
    CHECK(judged(redirect("http://evil.example\\@bank.example/")) == portal("evil.example"));
}

TEST_CASE("a site that moved to https, has troubles, or is cut short, says nothing") {
    CHECK(judged(redirect("https://check.example/there")).kind == Kind::unknown);
    CHECK(judged(redirect("https://CHECK.example/")).kind == Kind::unknown);
    CHECK(judged(redirect("/login")).kind == Kind::unknown);
    CHECK(judged(redirect("javascript:alert(1)")).kind == Kind::unknown);
    CHECK(judged(redirect("http:///nobody")).kind == Kind::unknown);
    CHECK(judged("HTTP/1.1 302 Found\r\n\r\n").kind == Kind::unknown);
    for (const char* code : {"404", "403", "407", "500", "503", "304", "100", "000", "999"})
        CHECK(judged(std::string("HTTP/1.1 ") + code + " x\r\n\r\nbody").kind == Kind::unknown);
    CHECK(judged("HTTP/1.1 200 OK\r\nContent-Len").kind == Kind::unknown);
}

TEST_CASE("garbage says nothing") {
    for (const std::string_view garbage :
         {"", "H", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2x4 \r\n\r\n", "HTTP/1.1 2044\r\n\r\n",
          "HTTP/1.1204\r\n\r\n", "HTTP/2 204\r\n\r\n", "http/1.1 204\r\n\r\n", "220 mail.example ESMTP\r\n",
          "SSH-2.0-OpenSSH\r\n", "\r\n\r\n", "\n\n", "::::", "<html>"})
        CHECK(judged(garbage).kind == Kind::unknown);
    CHECK(judged(std::string(100'000, '\0')).kind == Kind::unknown);
    CHECK(judged("HTTP/1.1 302 x\r\n" + std::string(100'000, ':')).kind == Kind::unknown);
}

TEST_CASE("every beginning of every answer is judged without harm, and no beginning of a redirect names another host") {
    const std::string whole = redirect("http://login.hotel.example/");
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        const WayOut seen = judged(whole.substr(0, length));
        CHECK((seen == WayOut{} || seen == portal("login.hotel.example")));
    }
}

TEST_CASE("a portal's name cannot move anybody's cursor, nor fill the screen") {
    const WayOut nasty = judged(redirect("http://a\x1b[2Jb.example/"));
    REQUIRE(nasty.kind == Kind::portal);
    CHECK(nasty.host.find('\x1b') == std::string::npos);
    const WayOut bidi = judged(redirect("http://a\xe2\x80\xae.example/"));
    CHECK(bidi.host.find("\xe2\x80\xae") == std::string::npos);
    CHECK(judged(redirect("http://" + std::string(5000, 'a') + "/")).host.size() < 300);
}

TEST_CASE("an answer is read until it tells, and no further") {
    CHECK_FALSE(tells_enough(""));
    CHECK_FALSE(tells_enough("HTTP/1.1 302 Found\r\nLocation: x\r\n"));
    CHECK(tells_enough("HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n"));
    CHECK(tells_enough("HTTP/1.1 204 x\r\n\r\n"));
    CHECK_FALSE(tells_enough("HTTP/1.1 200 OK\r\n\r\n")); // whether there is a page, only its first byte tells
    CHECK(tells_enough("HTTP/1.1 200 OK\r\n\r\n<"));
    CHECK(tells_enough("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    CHECK(tells_enough(std::string(longest_portal_answer, 'x')));
}

TEST_CASE("people are told who it is and what to do") {
    const std::string told = portal_explanation("login.hotel.example", "laptop");
    CHECK(told.find("login.hotel.example") != std::string::npos);
    CHECK(told.find("vpn-client pause 5m laptop") != std::string::npos);
    CHECK(portal_explanation("", "laptop").find("leads to") == std::string::npos);
}
