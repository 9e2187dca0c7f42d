// `peer add` and `peer rekey`: a peer on the server's list, and the file that it is handed.
#include "common/base/secret.hpp"
#include "common/config/card.hpp"
#include "common/config/wg_quick.hpp"
#include "common/crypto/system_random.hpp"
#include "common/crypto/x25519.hpp"
#include "common/protocol/suite_speed.hpp"
#include "common/system/clocks.hpp"
#include "common/system/terminal.hpp"
#include "vpn-server/client_file.hpp"
#include "vpn-server/commands.hpp"
#include "vpn-server/config_file.hpp"
#include "vpn-server/peer_store.hpp"
#include "vpn-server/qr_code.hpp"
#include "vpn-server/resolvers.hpp"

#include <unistd.h>

#include <filesystem>
#include <iostream>

namespace vpn::server {
namespace {

namespace fs = std::filesystem;
using config::ClientConfig;

constexpr std::string_view slow_hybrid = "note: this machine has no AES instructions, so that suite hybrid is slow here; --suite "
                                         "wireguard is faster, without protection from quantum computers";

/// Where a peer keeps the key that it made itself.
std::string key_path(const std::string& name) { return "/etc/vpn/" + name + ".key"; }

template <class Items> std::string joined(const Items& items) {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ", ") + item.to_string();
    return text;
}

config::Suite suite_of(const PeerAdd& add) {
    return add.suite.value_or(add.format == FileFormat::wg ? config::Suite::wireguard : config::Suite::hybrid);
}

bool is_picture(const PeerAdd& add) { return add.output.ends_with(".png"); }

/// A camera reads what WireGuard's own apps do.
PeerAdd as_scanned(PeerAdd add) {
    if (add.qr || is_picture(add)) add.format = FileFormat::wg;
    return add;
}

/// What would make the command fail later on is found before anything is changed.
CommandResult<void> check_wishes(const PeerAdd& add) {
    if (add.format == FileFormat::wg && suite_of(add) != config::Suite::wireguard)
        return refused(ExitCode::usage, std::string(add.qr || is_picture(add) ? "a QR code" : "--format wg") +
                                            " is for WireGuard's own apps, which speak suite wireguard only");
    if ((add.qr || is_picture(add)) && (add.public_key || !add.card.empty()))
        return refused(ExitCode::usage, "a QR code holds the private key, which only the peer knows: leave --qr out");
    std::error_code error;
    if (!add.output.empty() && fs::exists(fs::symlink_status(add.output, error)))
        return refused(ExitCode::failure, add.output + " is there already: remove it, or choose another --output");
    return {};
}

/// The same wishes, with what stands on the card.
CommandResult<PeerAdd> with_card(PeerAdd add) {
    if (add.card.empty()) return add;
    if (add.public_key) return refused(ExitCode::usage, "--card brings the public key: leave --public-key out");
    const auto text = system::read_file(add.card);
    if (!text) return refused_file(text.error());
    auto card = config::decode_card(*text, add.card);
    if (!card) return refused(ExitCode::bad_configuration, card.error().text());
    add.public_key = card->public_key;
    if (add.name.empty()) add.name = std::move(card->name);
    return add;
}

CommandResult<config::PeerLimits> limits_of(const PeerAdd& add) {
    config::PeerLimits limits{.expires = {}, .quota = add.quota, .rate = add.rate};
    if (!add.expires) return limits;
    const auto expires = resolve(*add.expires, system::now().wall);
    if (!expires) return tl::unexpected(expires.error());
    limits.expires = *expires;
    return limits;
}

PeerKey key_for(const PeerAdd& add, const std::string& name, crypto::PrivateKey own) {
    if (!add.card.empty()) return *add.public_key;
    if (add.public_key) return key_path(name);
    return own;
}

/// The client's file for a peer that stands on the server's list by now.
ClientConfig compose(const PeerAdd& add, const CommonOptions& common, const Handover& handover, PeerKey key) {
    ClientConfig client = client_file(handover, std::move(key), {add.allowed_ips, add.dns});
    if (!client.interface.dns.empty()) return client;
    client.interface.dns = reachable(upstream_resolvers(), client);
    if (!client.interface.dns.empty())
        say("dns: " + joined(client.interface.dns) + ", this server's own; --dns or \"dns\" in " + common.config_file +
            " chooses others");
    return client;
}

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text.data(), text.size()))); }

CommandResult<void> print(const std::string& text) {
    if (std::cout << text << std::flush) return {};
    return refused(ExitCode::failure, "cannot write to stdout");
}

CommandResult<void> write(const std::string& path, const std::string& text) {
    if (auto written = system::write_private_file(path, text); !written) return refused(written.error());
    return {};
}

/// The picture to its file, or else the code to the terminal and the text to its file, if it has one.
CommandResult<void> hand_out_code(const PeerAdd& add, const std::string& text) {
    const auto code = QrCode::encode(text);
    if (!code) return refused(code.error());
    CommandResult<void> result;
    if (is_picture(add)) {
        auto picture = png_of(*code);
        if (!picture) return refused(picture.error());
        result = write(add.output, *picture);
        wipe_text(*picture);
    } else if (!add.output.empty()) {
        result = write(add.output, text);
    }
    if (!result || !add.qr) return result;
    std::string shown = terminal_text(*code, system::wants_colour(STDOUT_FILENO));
    result = print(shown);
    wipe_text(shown);
    return result;
}

CommandResult<void> hand_out(const PeerAdd& add, const ClientConfig& client) {
    std::string text = add.format == FileFormat::wg ? config::format_wg_quick(client) : config::encode(client);
    auto result = add.qr || is_picture(add) ? hand_out_code(add, text)
                  : add.output.empty()      ? print(text)
                                            : write(add.output, text);
    wipe_text(text);
    return result;
}

void tell(const PeerAdd& add, const std::string& done, const ClientConfig& client) {
    say(done + ": " + joined(client.interface.addresses));
    if (protocol::is_slow_here(suite_of(add))) say(std::string(slow_hybrid));
    if (add.public_key && add.format == FileFormat::wg)
        say("the file has no PrivateKey: only the peer knows it, and adds it there");
    else if (!client.interface.private_key_file.empty())
        say("the file expects the peer's private key in " + client.interface.private_key_file);
    if (add.qr || is_picture(add))
        say("next: in WireGuard's app on the phone, add a tunnel from a QR code" + (add.qr ? "" : ": that in " + add.output));
    else if (!add.output.empty())
        say("next: copy " + add.output + " over" +
            (add.format == FileFormat::json ? std::string(", then `vpn-client ") + (add.card.empty() ? "connect " : "import ") +
                                                  fs::path(add.output).filename().string() + '`'
                                            : ""));
}

} // namespace

CommandResult<void> carry_out(const PeerAdd& wishes, const CommonOptions& common) {
    const auto complete = with_card(as_scanned(wishes));
    if (!complete) return tl::unexpected(complete.error());
    const PeerAdd& add = *complete;
    if (auto checked = check_wishes(add); !checked) return checked;
    const auto limits = limits_of(add);
    if (!limits) return tl::unexpected(limits.error());
    crypto::SystemRandom random;
    crypto::PrivateKey own;
    if (!add.public_key) own = crypto::generate_private_key(random);
    PeerStore store(common.config_file);
    const auto added = store.add({.name = add.name,
                                  .public_key = add.public_key ? *add.public_key : crypto::public_key_of(own),
                                  .with_preshared_key = !add.public_key || add.preshared_key,
                                  .suite = suite_of(add),
                                  .limits = *limits});
    if (!added) return tl::unexpected(added.error());
    const ClientConfig client = compose(add, common, *added, key_for(add, added->name, std::move(own)));
    if (auto handed = hand_out(add, client); !handed) {
        static_cast<void>(store.change(AskRemovePeer{added->name})); // a peer that nobody has the file of is of no use
        return handed;
    }
    tell(add, "added " + added->name, client);
    return {};
}

CommandResult<void> carry_out(const PeerRekey& wishes, const CommonOptions& common) {
    const auto complete = with_card(as_scanned(wishes.peer));
    if (!complete) return tl::unexpected(complete.error());
    PeerAdd peer = *complete;
    const auto content = ConfigFile(common.config_file).load();
    if (!content) return tl::unexpected(content.error());
    const config::ServerPeer* known = content->config.find_peer(peer.name);
    if (known == nullptr) return refused(no_such_peer(peer.name));
    peer.suite = known->suite;
    if (auto checked = check_wishes(peer); !checked) return checked;
    crypto::SystemRandom random;
    crypto::PrivateKey own;
    if (!peer.public_key) own = crypto::generate_private_key(random);
    const auto rekeyed = PeerStore(common.config_file)
                             .rekey({peer.name, peer.public_key ? *peer.public_key : crypto::public_key_of(own),
                                     !peer.public_key || peer.preshared_key});
    if (!rekeyed) return tl::unexpected(rekeyed.error());
    const ClientConfig client = compose(peer, common, *rekeyed, key_for(peer, peer.name, std::move(own)));
    if (auto handed = hand_out(peer, client); !handed) {
        say("the new key of " + peer.name + " is lost, and the old one is no longer taken: rekey it again");
        return handed;
    }
    tell(peer, "rekeyed " + peer.name, client);
    return {};
}

} // namespace vpn::server
