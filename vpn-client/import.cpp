#include "vpn-client/import.hpp"

#include "common/base/secret.hpp"
#include "common/config/card.hpp"
#include "common/system/files.hpp"
#include "common/system/process.hpp"
#include "vpn-client/card.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/new_file.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <algorithm>
#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

/// Where it goes, and by which name `connect` finds it there.
Granted<ConnectionName> destination(const ImportCommand& command, const ConnectionName& source) {
    if (command.output.empty()) return parse_connection_name(source.name);
    if (!command.output.ends_with(".json"))
        return refuse(ExitCode::usage, "--output: a connection's file ends in .json, found " + config::quote(command.output));
    return parse_connection_name(command.output);
}

Granted<void> write(const ConnectionName& to, const config::ClientConfig& config) {
    std::string text = encode(config);
    auto written = write_new(to.path, text);
    wipe(std::as_writable_bytes(std::span(text)));
    return written;
}

/// What `connect` is told: the name alone, where that is enough.
std::string target_of(const ImportCommand& command, const ConnectionName& to) {
    return command.output.empty() ? to.name : config::printable(to.path, 4096);
}

/// Made by `card`: the only copy of a key, and good for nothing but a server's answer.
bool key_waits_at(const ConnectionName& to) {
    auto text = system::read_private_file(to.path);
    if (!text) return false;
    const bool waits = config::decode_waiting_key(*text, to.path).has_value();
    wipe(std::as_writable_bytes(std::span(*text)));
    return waits;
}

bool holds_preshared_key(const config::ClientConfig& config) {
    return std::ranges::any_of(config.peers, [](const config::ClientPeer& peer) { return !peer.preshared_key.is_zero(); });
}

/// A server's answer to a card, which others may read where nothing in it is secret. Errors: what is wrong with it, or that it is
/// none.
Granted<config::ClientConfig> read_answer(const ConnectionName& source) {
    auto text = system::read_private_file(source.path);
    const auto too_open = !text && text.error().kind == system::FileError::Kind::too_open ? text.error().message : "";
    if (!too_open.empty()) text = system::read_public_file(source.path);
    if (!text)
        return refuse(text.error().kind == system::FileError::Kind::not_allowed ? ExitCode::no_permission
                                                                                : ExitCode::bad_configuration,
                      text.error().message);
    auto answer = config::decode_client_or_answer(*text, source.path);
    wipe(std::as_writable_bytes(std::span(*text)));
    if (!answer) return refuse(ExitCode::bad_configuration, answer.error().text());
    if (!answer->interface.public_key)
        return refuse(ExitCode::bad_configuration,
                      config::printable(source.path, 4096) + " is no answer to a card: it has a private key of its own");
    if (!too_open.empty() && holds_preshared_key(*answer)) return refuse(ExitCode::bad_configuration, too_open);
    return std::move(*answer);
}

/// Nobody is to remove a key that waits, to make room.
Refusal with_the_way_out(Refusal refusal, const ConnectionName& to) {
    refusal.message += "\n  The key in " + config::printable(to.path, 4096) +
                       " waits for its server's answer, and stays; for another connection, choose another --output.";
    return refusal;
}

void say_next(const ImportCommand& command, const ConnectionName& to) {
    std::cout << "imported: " << config::printable(to.path, 4096) << "; next: vpn-client connect " << target_of(command, to)
              << '\n';
}

Granted<void> carry_out(const ImportCommand& command) {
    const auto source = parse_connection_name(command.file);
    if (!source) return tl::unexpected(source.error());
    const auto to = destination(command, *source);
    if (!to) return tl::unexpected(to.error());
    if (auto answer = read_answer(*source)) {
        auto joined = join_answer(std::move(*answer), *to);
        if (joined) say_next(command, *to);
        return joined;
    } else if (key_waits_at(*to)) {
        return tl::unexpected(with_the_way_out(std::move(answer.error()), *to));
    }
    auto file = load_connection(*source);
    if (!file) return tl::unexpected(std::move(file.error()));
    say_notes(file->notes);
    say_notes(notes_on_hooks(file->hooks, hooks_after_import));
    if (file->config.interface.name == source->name) file->config.interface.name.clear();
    if (command.output.empty())
        if (auto made = make_connection_directory(); !made) return made;
    if (auto written = write(*to, file->config); !written) return written;
    say_next(command, *to);
    return {};
}

} // namespace

ExitCode import_connection(const ImportCommand& command) {
    static_cast<void>(system::protect_memory());
    const auto done = carry_out(command);
    return done ? ExitCode::ok : complain(done.error());
}

} // namespace vpn::client
