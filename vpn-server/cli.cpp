#include "vpn-server/cli.hpp"

#include "vpn-server/option_text.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <optional>
#include <utility>

namespace vpn::server {
namespace {

using system::ExitCode;

constexpr auto version = "vpn-server " VPN_VERSION;
constexpr auto see_help = "Run `vpn-server --help` to see how it is called.\n";

/// What the parser fills while it goes along.
struct Slots {
    CommonOptions common;
    std::string endpoint;
    Init init;
    Run run;
    Check check;
    Status status;
    Reload reload;
    Rekey rekey_server;
    Key key;
    PeerAdd add;
    PeerRekey rekey;
    PeerEnable enable{.name = {}, .enabled = true};
    PeerEnable disable{.name = {}, .enabled = false};
    PeerRename rename;
    PeerLimit limit;
    PeerList list;
    PeerShow show;
    PeerReset reset;
    PeerRemove remove;
    std::optional<Command> chosen;
};

/// An option (or, without dashes, an argument) whose text `parse` understands.
template <class Parse, class T>
CLI::Option* value(CLI::App& app, const std::string& name, const std::string& shape, const std::string& help, Parse parse,
                   T& out) {
    const auto take = [name, parse, &out](const std::string& text) {
        auto parsed = parse(text);
        if (!parsed) throw CLI::ValidationError(name, parsed.error().message);
        out = std::move(*parsed);
    };
    return app.add_option_function<std::string>(name, take, help)->type_name(shape);
}

Result<std::string> as_it_is(const std::string& text) {
    if (text.empty()) return failed("expected something, found nothing");
    return text;
}

template <class T> CLI::App& command(CLI::App& above, const std::string& name, const std::string& help, Slots& slots, T& filled) {
    CLI::App* const app = above.add_subcommand(name, help);
    app->set_version_flag("--version", version);
    app->callback([&slots, &filled] { slots.chosen = std::move(filled); });
    return *app;
}

void add_common(CLI::App& app, Slots& slots) {
    app.set_version_flag("--version", version);
    app.require_subcommand(0, 1); // with 1, an unknown command would be reported as none
    app.fallthrough();            // these may stand behind a command too
    value(app, "--config", "FILE", "The server's file [/etc/vpn/server.json]", as_it_is, slots.common.config_file);
    value(app, "--log-level", "LEVEL", "error, warn, info or debug [info]", parse_level, slots.common.log_level);
}

void add_init(CLI::App& above, Slots& slots) {
    NewServer& server = slots.init.server;
    CLI::App& app = command(above, "init", "Write a new server's file, with a fresh key.", slots, slots.init);
    value(app, "--endpoint", "HOST[:PORT]", "How clients reach this server", as_it_is, slots.endpoint)->required();
    value(app, "--network", "CIDR", "Where peers' IPv4 addresses come from [10.66.0.0/24]", parse_network_v4, server.network);
    value(app, "--network6", "CIDR", "The same for IPv6 [a random local /64]", parse_network_v6, server.network6);
    value(app, "--interface", "NAME", "The tunnel's interface [vpns]", parse_interface_name, server.interface);
    value(app, "--listen-port", "PORT", "The UDP port [51820]", parse_port, server.listen_port);
    value(app, "--dns", "ADDRESS,...", "Resolvers for peers [this machine's own]", parse_addresses, server.dns);
    app.add_flag("--force", slots.init.force, "Replace the file that is there, and the key in it");
    app.add_flag_callback(
        "--no-enable", [&slots] { slots.init.enable = false; }, "Leave it to others to start the server");
    app.callback([&slots] {
        auto endpoint = config::HostPort::parse(slots.endpoint, slots.init.server.listen_port);
        if (!endpoint) throw CLI::ValidationError("--endpoint", endpoint.error().message);
        slots.init.server.endpoint = std::move(*endpoint);
        slots.chosen = std::move(slots.init);
    });
}

void add_daemon(CLI::App& above, Slots& slots) {
    command(above, "run", "Run the server in the foreground, until SIGTERM or SIGINT.", slots, slots.run);
    command(above, "check", "Read the file, and say what is wrong with it.", slots, slots.check);
    command(above, "status", "Say how the server and its peers are.", slots, slots.status)
        .add_flag("--json", slots.status.json, "As JSON, for programs");
    command(above, "reload", "Have the running server read its file again. No session is dropped.", slots, slots.reload);
}

void add_key(CLI::App& above, Slots& slots) {
    Rekey& rekey = slots.rekey_server;
    CLI::App& app = command(above, "rekey", "Give the server a new key. The old one answers too for a while.", slots, rekey);
    CLI::Option* const grace =
        value(app, "--grace", "TIME", "So long the old key answers too: 30d, 12h, or none [7d]", parse_grace, rekey.grace);
    app.add_flag("--end", rekey.end, "Make no new key, and end the old one now")->excludes(grace);
    command(above, "key", "Show the server's key, the old one if there is one, and who still uses that.", slots, slots.key)
        .add_flag("--json", slots.key.json, "As JSON, for programs");
}

/// What a peer is handed, and by which key.
void add_handing_out(CLI::App& app, PeerAdd& add) {
    value(app, "--public-key", "KEY", "The key that the peer made itself; no private key travels then", parse_public_key,
          add.public_key);
    value(app, "--card", "FILE", "The card that the peer's `vpn-client card` printed; no private key travels then", as_it_is,
          add.card);
    value(app, "--format", "FORMAT", "json, or wg for WireGuard's own apps [json]", parse_format, add.format);
    value(app, "--output", "FILE", "Write a new file, for its owner alone [stdout]", as_it_is, add.output);
    value(app, "--allowed-ips", "CIDR,...", "What the peer sends through the tunnel [0.0.0.0/0,::/0]", parse_prefixes,
          add.allowed_ips);
    value(app, "--dns", "ADDRESS,...", "The peer's resolvers [\"dns\" in the server's file]", parse_addresses, add.dns);
    app.add_flag("--qr", add.qr, "Show it as a QR code for WireGuard's app on a phone, or write one to an --output of .png");
    app.add_flag("--psk", add.preshared_key, "Make a preshared key with --public-key or --card too; the file is a secret then");
}

void add_peer_add(CLI::App& above, Slots& slots) {
    PeerAdd& add = slots.add;
    CLI::App& app = command(above, "add", "Add a peer, and print the file that it connects with.", slots, add);
    value(app, "NAME", "NAME", "The peer's name [peer1, peer2, ...]", parse_peer_name, add.name);
    value(app, "--suite", "SUITE", "hybrid, or wireguard for other programs [hybrid; with --format wg: wireguard]", parse_suite,
          add.suite);
    value(app, "--expires", "WHEN", "When its time is over: 30d, 12h, 2027-01-01 [never]", parse_expiry, add.expires);
    value(app, "--quota", "AMOUNT", "What it may send and receive in all, such as 100GB [no end]", parse_quota, add.quota);
    value(app, "--rate", "RATE", "How fast it may send, and receive, such as 50mbit [as it can]", parse_rate, add.rate);
    add_handing_out(app, add);
}

void add_peer_rekey(CLI::App& above, Slots& slots) {
    PeerAdd& peer = slots.rekey.peer;
    CLI::App& app =
        command(above, "rekey", "Give a peer a new key, and print its new file. Its old one ends at once.", slots, slots.rekey);
    value(app, "NAME", "NAME", "The peer", as_it_is, peer.name)->required();
    add_handing_out(app, peer);
}

void add_peer_limit(CLI::App& above, Slots& slots) {
    PeerLimit& limit = slots.limit;
    CLI::App& app = command(above, "limit", "Change what a peer is held to. What is not said stays.", slots, limit);
    value(app, "NAME", "NAME", "The peer", as_it_is, limit.name)->required();
    const auto expiry = [](const std::string& text) { return parse_or_none(text, parse_expiry); };
    const auto quota = [](const std::string& text) { return parse_or_none(text, parse_quota); };
    const auto rate = [](const std::string& text) { return parse_or_none(text, parse_rate); };
    value(app, "--expires", "WHEN", "When its time is over: 30d, 12h, 2027-01-01, or none", expiry, limit.expires);
    value(app, "--quota", "AMOUNT", "What it may send and receive in all, such as 100GB, or none", quota, limit.quota);
    value(app, "--rate", "RATE", "How fast it may send, and receive, such as 50mbit, or none", rate, limit.rate);
}

void add_peer(CLI::App& above, Slots& slots) {
    CLI::App* const app = above.add_subcommand("peer", "Add peers, list them, change them and remove them.");
    app->set_version_flag("--version", version);
    app->require_subcommand(0, 1);
    add_peer_add(*app, slots);
    command(*app, "list", "List the peers, those online first.", slots, slots.list)
        .add_flag("--json", slots.list.json, "As JSON, for programs");
    CLI::App& show = command(*app, "show", "Show one peer.", slots, slots.show);
    value(show, "NAME", "NAME", "The peer", as_it_is, slots.show.name)->required();
    CLI::App& disable = command(*app, "disable", "Serve a peer no longer. Its session ends at once.", slots, slots.disable);
    value(disable, "NAME", "NAME", "The peer", as_it_is, slots.disable.name)->required();
    CLI::App& enable = command(*app, "enable", "Serve a peer again.", slots, slots.enable);
    value(enable, "NAME", "NAME", "The peer", as_it_is, slots.enable.name)->required();
    CLI::App& rename = command(*app, "rename", "Call a peer something else.", slots, slots.rename);
    value(rename, "NAME", "NAME", "The peer", as_it_is, slots.rename.name)->required();
    value(rename, "NEW", "NEW", "Its new name", parse_peer_name, slots.rename.new_name)->required();
    add_peer_rekey(*app, slots);
    add_peer_limit(*app, slots);
    CLI::App& reset = command(*app, "reset", "Let a peer in again whose clock was once far ahead.", slots, slots.reset);
    value(reset, "NAME", "NAME", "The peer", as_it_is, slots.reset.name)->required();
    reset.add_flag("--quota", slots.reset.quota, "Let it use its quota anew instead");
    CLI::App& remove = command(*app, "remove", "Remove a peer. Its session ends at once.", slots, slots.remove);
    value(remove, "NAME", "NAME", "The peer", as_it_is, slots.remove.name)->required();
}

std::string mistake_text(const CLI::App*, const CLI::Error& mistake) {
    return std::string("vpn-server: ") + mistake.what() + '\n' + see_help;
}

/// Help and versions go to stdout, and have failed if nobody could read them.
ExitCode exit_code_after(const CLI::App& app, const CLI::ParseError& end) {
    if (app.exit(end) != 0) return ExitCode::usage;
    return std::cout.flush() ? ExitCode::ok : ExitCode::failure;
}

std::string_view what_is_missing(const CLI::App& app) {
    return app.got_subcommand("peer")
               ? "say what about peers: add, list, show, disable, enable, rename, rekey, limit, reset or remove"
               : "say what to do: init, run, check, status, reload, rekey, key or peer";
}

} // namespace

tl::expected<CommandLine, ExitCode> parse_command_line(int argc, const char* const* argv) {
    CLI::App app("The server of a virtual private network that speaks WireGuard's protocol.", "vpn-server");
    app.failure_message(mistake_text);
    app.footer("Ends with 0, or 1 if it failed, 2 if it was called wrongly, 3 if no server runs, 5 without permission, "
               "6 for a bad file.\nSee vpn-server(8).");
    Slots slots;
    add_common(app, slots);
    add_init(app, slots);
    add_daemon(app, slots);
    add_key(app, slots);
    add_peer(app, slots);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        return tl::unexpected(exit_code_after(app, end));
    }
    if (!slots.chosen) {
        std::cerr << "vpn-server: " << what_is_missing(app) << '\n' << see_help;
        return tl::unexpected(ExitCode::usage);
    }
    return CommandLine{std::move(slots.common), std::move(*slots.chosen)};
}

} // namespace vpn::server
