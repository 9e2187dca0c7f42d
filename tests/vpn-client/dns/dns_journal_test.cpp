#include "vpn-client/dns/dns_journal.hpp"

#include <doctest/doctest.h>

using namespace vpn::client;

namespace {

using Kind = SavedFile::Kind;

DnsJournal with_file(SavedFile before) { return {"laptop", "", ReplacedFile{"nameserver 10.66.0.53\n", std::move(before)}}; }

} // namespace

TEST_CASE("a journal of name servers says after a crash what it said before") {
    for (const DnsJournal& journal : {DnsJournal{"laptop", "vpn.laptop", {}}, with_file({}),
                                      with_file({Kind::link, "../run/resolvconf/resolv.conf", 0, 0, 0}),
                                      with_file({Kind::file, std::string("caf\xe9\0\n# no end", 13), 0640, 1000, 7})})
        CHECK(decode_dns_journal(encode(journal)) == journal);
}

TEST_CASE("half a journal of name servers, or one of a name that is none, is none") {
    const std::string whole = encode(with_file({Kind::file, "nameserver 192.0.2.1\n", 0644, 0, 0}));
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) CHECK_FALSE(decode_dns_journal(whole.substr(0, length)));
    CHECK_FALSE(decode_dns_journal("{}"));
    CHECK_FALSE(decode_dns_journal(R"({"version":1,"name":"../x","record":"","file":null})"));
    CHECK_FALSE(decode_dns_journal(R"({"version":1,"name":"x","record":"","file":{}})"));
    CHECK(decode_dns_journal(R"({"version":1,"name":"x","record":"","file":null})"));
}
