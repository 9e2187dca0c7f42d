// What a connection did to this machine's resolvers and its process's end does not undo: written down before each step, so that
// the next `connect` can take back what a crash left. What systemd-resolved was told goes with the interface.
// In /var/lib: our /etc/resolv.conf would outlive a restart of the machine.
#pragma once

#include "common/base/result.hpp"
#include "vpn-client/dns/saved_file.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// /etc/resolv.conf as we wrote it, and what it took the place of.
struct ReplacedFile {
    std::string text;
    SavedFile before;
    friend bool operator==(const ReplacedFile&, const ReplacedFile&) = default;
};

struct DnsJournal {
    /// The connection's.
    std::string name;
    /// What resolvconf knows us by; empty if it was not told.
    std::string record;
    std::optional<ReplacedFile> file;
    friend bool operator==(const DnsJournal&, const DnsJournal&) = default;
};

std::string encode(const DnsJournal& journal);
/// None if it is not what encode makes.
std::optional<DnsJournal> decode_dns_journal(std::string_view text);

Result<void> write_dns_journal(const DnsJournal& journal);
/// None, too, if it can't be read.
std::optional<DnsJournal> read_dns_journal(std::string_view name);
void remove_dns_journal(std::string_view name);
/// Of all connections, up or crashed. What can't be read is passed over.
std::vector<DnsJournal> read_dns_journals();

} // namespace vpn::client
