// What each command does: what was asked for goes to stdout, everything else is an error or a word on stderr.
// Refuses to know: the command line.
#pragma once

#include "vpn-server/command_error.hpp"
#include "vpn-server/options.hpp"

namespace vpn::server {

CommandResult<void> carry_out(const Init& init, const CommonOptions& common);
/// Ends when a signal says so, or when somebody removed the interface.
CommandResult<void> carry_out(const Run& run, const CommonOptions& common);
CommandResult<void> carry_out(const Check& check, const CommonOptions& common);
CommandResult<void> carry_out(const Status& status, const CommonOptions& common);
CommandResult<void> carry_out(const Reload& reload, const CommonOptions& common);
CommandResult<void> carry_out(const Rekey& rekey, const CommonOptions& common);
CommandResult<void> carry_out(const Key& key, const CommonOptions& common);
CommandResult<void> carry_out(const PeerAdd& add, const CommonOptions& common);
CommandResult<void> carry_out(const PeerRekey& rekey, const CommonOptions& common);
CommandResult<void> carry_out(const PeerEnable& enable, const CommonOptions& common);
CommandResult<void> carry_out(const PeerRename& rename, const CommonOptions& common);
CommandResult<void> carry_out(const PeerLimit& limit, const CommonOptions& common);
CommandResult<void> carry_out(const PeerList& list, const CommonOptions& common);
CommandResult<void> carry_out(const PeerShow& show, const CommonOptions& common);
CommandResult<void> carry_out(const PeerReset& reset, const CommonOptions& common);
CommandResult<void> carry_out(const PeerRemove& remove, const CommonOptions& common);

/// The instant that was meant. Errors: it is over already.
CommandResult<Wall> resolve(const Expiry& expiry, Wall now);

/// A word to whoever typed the command, beside what was asked for.
void say(const std::string& message);

} // namespace vpn::server
