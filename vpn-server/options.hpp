// What was typed, understood: one type a command.
// Refuses to know: the command line's library, and what becomes of it.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"
#include "common/base/time.hpp"
#include "common/crypto/keys.hpp"
#include "common/system/log.hpp"
#include "vpn-server/new_server.hpp"
#include "vpn-server/paths.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace vpn::server {

/// What every command has.
struct CommonOptions {
    std::string config_file{default_config_file};
    system::LogLevel log_level = system::LogLevel::info;
};

struct Init {
    NewServer server;
    bool force = false;
    /// Have systemd run it, where it can.
    bool enable = true;
};
struct Run {};
struct Check {};
struct Status {
    bool json = false;
};
struct Reload {};
/// The server's own key becomes another.
struct Rekey {
    /// So long the old one answers too; zero: no more.
    Duration grace = std::chrono::days(7);
    /// Only end the old key that still answers.
    bool end = false;
};
struct Key {
    bool json = false;
};

/// When a peer's time is over: so long from now, or then.
using Expiry = std::variant<Duration, Wall>;
/// What is typed of a limit; an empty one stands for the word that takes it away.
template <class T> struct Typed { std::optional<T> value; };

enum class FileFormat : std::uint8_t { json, wg };
struct PeerAdd {
    /// Empty: one is chosen.
    std::string name;
    /// Empty: a key is made.
    std::optional<crypto::PublicKey> public_key;
    /// A file with the peer's name and public key; empty: none.
    std::string card;
    FileFormat format = FileFormat::json;
    /// Empty: the best that programs which read this format speak.
    std::optional<config::Suite> suite;
    /// Empty: stdout.
    std::string output;
    /// Of the client's file; empty: everything.
    std::vector<Prefix> allowed_ips;
    /// Empty: the server's.
    std::vector<IpAddress> dns;
    /// Show the file as a QR code.
    bool qr = false;
    /// Make a preshared key even though no private key travels.
    bool preshared_key = false;
    std::optional<Expiry> expires;
    std::optional<ByteCount> quota;
    std::optional<BitRate> rate;
};
/// The peer is `peer.name`; its suite, its addresses and its limits stay.
struct PeerRekey {
    PeerAdd peer;
};
struct PeerEnable {
    std::string name;
    bool enabled = true;
};
struct PeerRename {
    std::string name;
    std::string new_name;
};
/// What is not said stays.
struct PeerLimit {
    std::string name;
    std::optional<Typed<Expiry>> expires;
    std::optional<Typed<ByteCount>> quota;
    std::optional<Typed<BitRate>> rate;
};
struct PeerList {
    bool json = false;
};
struct PeerShow {
    std::string name;
};
struct PeerReset {
    std::string name;
    /// What it used, instead of its timestamp.
    bool quota = false;
};
struct PeerRemove {
    std::string name;
};

using Command = std::variant<Init, Run, Check, Status, Reload, Rekey, Key, PeerAdd, PeerRekey, PeerList, PeerShow, PeerEnable,
                             PeerRename, PeerLimit, PeerReset, PeerRemove>;

struct CommandLine {
    CommonOptions common;
    Command command;
};

} // namespace vpn::server
