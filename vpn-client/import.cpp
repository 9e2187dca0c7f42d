#include "vpn-client/import.hpp"

#include "common/base/secret.hpp"
#include "common/system/files.hpp"
#include "common/system/process.hpp"
#include "vpn-client/card.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/new_file.hpp"
#include "vpn-client/wg_quick_notes.hpp"

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

/// A server's answer to a card, if that is what stands there. What is wrong with it is found by load_connection.
std::optional<config::ClientConfig> read_answer(const ConnectionName& source) {
    auto text = system::read_private_file(source.path);
    if (!text || source.path.ends_with(".conf")) return std::nullopt;
    auto answer = config::decode_client_or_answer(*text, source.path);
    wipe(std::as_writable_bytes(std::span(*text)));
    if (!answer || !answer->interface.public_key) return std::nullopt;
    return std::move(*answer);
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
    }
    if (auto fresh = check_new(to->path); !fresh) return fresh;
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
