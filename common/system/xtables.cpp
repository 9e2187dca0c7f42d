#include "common/system/xtables.hpp"

#include "common/system/files.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace vpn::system {
namespace {

constexpr std::string_view table = "filter";
/// Some fifty thousand rules.
constexpr std::uint32_t largest = std::uint32_t{8} << 20U;
/// What it takes to read a byte and to understand it, reckoned with room to spare.
constexpr std::uint64_t memory_per_byte = 32;
/// Another program may change it between the two questions.
constexpr int attempts = 8;

// The two families' structures for this are the same, and so are the questions' numbers.
static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo));
static_assert(offsetof(ipt_get_entries, entrytable) == offsetof(ip6t_get_entries, entrytable));
static_assert(NF_INET_NUMHOOKS == 5);
constexpr std::size_t head_size = offsetof(ipt_get_entries, entrytable);

std::string what(Family family) {
    return std::string("cannot read the table filter of ") + (family == Family::v4 ? "iptables-legacy" : "ip6tables-legacy");
}

/// Errors: the list is there, but can't be read.
Result<bool> is_there(Family family) {
    const char* const list =
        family == Family::v4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names";
    const auto names = read_file(list);
    if (!names && names.error().kind == FileError::Kind::missing) return false;
    if (!names) return failed(what(family) + ": " + names.error().message);
    std::string_view rest = *names;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (rest.substr(0, end) == table) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

/// An errno, or zero. `answer` begins with the table's name, and is filled.
int ask(int socket, Family family, int question, std::span<std::byte> answer) {
    auto size = static_cast<socklen_t>(answer.size());
    const int level = family == Family::v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
    if (::getsockopt(socket, level, question, answer.data(), &size) != 0) return errno;
    return size == answer.size() ? 0 : EPROTO;
}

/// Goes no further than what can be an entry.
template <class Entry> void forget_counters(std::vector<std::byte>& entries) {
    for (std::size_t at = 0; at + sizeof(Entry) <= entries.size();) {
        Entry entry;
        std::memcpy(&entry, &entries[at], sizeof entry);
        std::memset(&entries[at + offsetof(Entry, counters)], 0, sizeof entry.counters);
        if (entry.next_offset < sizeof entry) return;
        at += entry.next_offset;
    }
}

/// EAGAIN: it has another size meanwhile.
int read_entries(int socket, const ipt_getinfo& info, Xtable& result) {
    std::vector<std::byte> answer(head_size + info.size);
    std::memcpy(answer.data(), info.name, sizeof info.name);
    std::memcpy(answer.data() + offsetof(ipt_get_entries, size), &info.size, sizeof info.size);
    if (const int error = ask(socket, result.family, IPT_SO_GET_ENTRIES, answer); error != 0) return error;
    answer.erase(answer.begin(), answer.begin() + head_size);
    result.entries = std::move(answer);
    if (result.family == Family::v4)
        forget_counters<ipt_entry>(result.entries);
    else
        forget_counters<ip6t_entry>(result.entries);
    return 0;
}

} // namespace

Result<std::optional<Xtable>> read_xtable(Family family) {
    const auto there = is_there(family);
    if (!there) return tl::unexpected(there.error());
    if (!*there) return std::nullopt;
    // Any socket of the family will do, and this one needs no right of its own.
    const UniqueFd socket(::socket(family == Family::v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return os_failed(what(family), errno);
    int error = EAGAIN;
    for (int attempt = 0; attempt < attempts && error == EAGAIN; ++attempt) {
        ipt_getinfo info{};
        std::ranges::copy(table, info.name);
        error = ask(socket.get(), family, IPT_SO_GET_INFO, std::as_writable_bytes(std::span(&info, 1)));
        if (error != 0) break;
        if (info.size > largest) return failed(what(family) + ": it is too large");
        if (!make_ready({memory_per_byte * info.size})) return failed(what(family) + ": out of memory");
        Xtable result;
        result.family = family;
        result.hooks = info.valid_hooks;
        std::ranges::copy(info.hook_entry, result.first.begin());
        std::ranges::copy(info.underflow, result.last.begin());
        error = read_entries(socket.get(), info, result);
        if (error == 0) return result;
    }
    return os_failed(what(family), error);
}

} // namespace vpn::system
