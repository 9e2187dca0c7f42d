#include "common/system/nftables_monitor.hpp"

#include "common/system/netlink_message.hpp"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace vpn::system {
namespace {

constexpr int receive_buffer_size = 1 << 20;
/// Tables, chains, rules and sets all name their table in their first attribute.
constexpr std::uint16_t table_attribute = NFTA_TABLE_NAME;
static_assert(NFTA_CHAIN_TABLE == table_attribute && NFTA_RULE_TABLE == table_attribute && NFTA_SET_TABLE == table_attribute);

bool changes_a_table(const nlmsghdr& message) {
    if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES) return false;
    switch (NFNL_MSG_TYPE(message.nlmsg_type)) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
    case NFT_MSG_NEWSET:
    case NFT_MSG_DELSET: return true;
    default: return false;
    }
}

void decode_changes(Bytes datagram, std::vector<std::string>& tables) {
    for_each_message(datagram, [&tables](const nlmsghdr& message) {
        if (!changes_a_table(message)) return;
        for_each_attribute<nfgenmsg>(message, [&tables](std::uint16_t type, const nlattr& attribute) {
            if (type != table_attribute) return;
            std::string table = text_of(attribute);
            if (std::ranges::find(tables, table) == tables.end()) tables.push_back(std::move(table));
        });
    });
}

} // namespace

OsResult<NftablesMonitor> NftablesMonitor::open() {
    const std::string what = "cannot listen for changes of the firewall";
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
    if (!fd) return os_failed(what, errno);
    const int size = receive_buffer_size;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) return os_failed(what, errno);
    const int group = NFNLGRP_NFTABLES;
    if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) return os_failed(what, errno);
    return NftablesMonitor(std::move(fd));
}

NftablesMonitor::Changes NftablesMonitor::read() {
    Changes changes;
    alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
    for (;;) {
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
        if (got < 0 && errno == EINTR) continue;
        const bool overrun = got < 0 ? errno == ENOBUFS : static_cast<std::size_t>(got) > buffer.size();
        if (overrun)
            changes.lost = true;
        else if (got <= 0)
            return changes;
        else
            decode_changes(Bytes(buffer).first(static_cast<std::size_t>(got)), changes.tables);
    }
}

} // namespace vpn::system
