#include "vpn-server/resolvers.hpp"

#include "common/system/files.hpp"

#include <algorithm>
#include <array>

namespace vpn::server {
namespace {

constexpr std::size_t most_resolvers = 3; // as many as resolv.conf(5) takes
constexpr std::string_view blank = " \t\r";

std::string_view next_word(std::string_view& line) {
    const std::size_t begin = std::min(line.find_first_not_of(blank), line.size());
    const std::size_t end = std::min(line.find_first_of(blank, begin), line.size());
    const std::string_view word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

bool only_for_this_machine(const IpAddress& address) {
    static const std::array<Prefix, 5> ranges{*Prefix::parse("127.0.0.0/8"), *Prefix::parse("169.254.0.0/16"),
                                              *Prefix::parse("::1/128"), *Prefix::parse("fe80::/10"),
                                              *Prefix::parse("::ffff:0:0/96")};
    const auto holds = [&](const Prefix& range) { return range.contains(address); };
    return address.is_unspecified() || std::any_of(ranges.begin(), ranges.end(), holds);
}

} // namespace

std::vector<IpAddress> parse_resolvers(std::string_view resolv_conf) {
    std::vector<IpAddress> found;
    while (!resolv_conf.empty() && found.size() < most_resolvers) {
        std::string_view line = resolv_conf.substr(0, resolv_conf.find('\n'));
        resolv_conf.remove_prefix(std::min(line.size() + 1, resolv_conf.size()));
        if (next_word(line) != "nameserver") continue;
        const auto address = IpAddress::parse(next_word(line));
        if (!address || only_for_this_machine(*address)) continue;
        if (std::find(found.begin(), found.end(), *address) == found.end()) found.push_back(*address);
    }
    return found;
}

std::vector<IpAddress> upstream_resolvers() {
    for (const char* path : {"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"}) {
        const auto text = system::read_file(path, ByteCount{65536});
        if (!text) continue;
        if (auto found = parse_resolvers(*text); !found.empty()) return found;
    }
    return {};
}

} // namespace vpn::server
