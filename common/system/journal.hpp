// Entries for systemd's journal, field by field (sd_journal_sendv(3)): what a reader filters by needs no taking apart of lines.
// Refuses to know: what the fields mean.
#pragma once

#include <span>
#include <string>

namespace vpn::system {

/// Somebody takes entries on this machine.
bool journal_is_there();
/// Each field is `NAME=value`; the name in capitals, the value any bytes. False if nobody took it. Thread-safe.
bool write_to_journal(std::span<const std::string> fields);

} // namespace vpn::system
