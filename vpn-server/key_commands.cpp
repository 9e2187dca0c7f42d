// `rekey` and `key`: the server's own key, its change, and who still uses the old one.
#include "common/crypto/system_random.hpp"
#include "common/crypto/x25519.hpp"
#include "common/system/clocks.hpp"
#include "common/system/terminal.hpp"
#include "vpn-server/commands.hpp"
#include "vpn-server/daemon_or_file.hpp"
#include "vpn-server/peer_store.hpp"
#include "vpn-server/server_key.hpp"
#include "vpn-server/status_report.hpp"
#include "vpn-server/status_text.hpp"

#include <unistd.h>

#include <iostream>

namespace vpn::server {
namespace {

using config::Json;

/// In the file, while no daemon runs.
template <class Edit> Answer edit_file(const std::string& path, Edit edit) {
    const ConfigFile file(path);
    auto content = file.load();
    if (!content) return tl::unexpected(std::move(content.error()));
    if (auto edited = edit(content->config); !edited) return refused(edited.error());
    if (auto saved = file.save(content->config); !saved) return tl::unexpected(std::move(saved.error()));
    return keys_json(content->config.interface, system::now().wall);
}

CommandResult<void> end(const CommonOptions& common) {
    const auto answer = daemon_or(common.config_file, AskEndOldKey{}, [&] { return edit_file(common.config_file, end_old_key); });
    if (!answer) return tl::unexpected(answer.error());
    say("the old key answers no more");
    return {};
}

} // namespace

CommandResult<void> carry_out(const Rekey& options, const CommonOptions& common) {
    if (options.end) return end(common);
    const AskRekey ask{std::chrono::duration_cast<std::chrono::seconds>(options.grace)};
    const auto answer = daemon_or(common.config_file, ask, [&] {
        return edit_file(common.config_file, [&](config::ServerConfig& config) {
            crypto::SystemRandom random;
            return rekey(config, ask.grace, system::now().wall, random);
        });
    });
    if (!answer) return tl::unexpected(answer.error());
    std::cout << answer->string_at("public_key").value_or("") << '\n';
    const Json* old = answer->find("old_key");
    say(old != nullptr && !old->is_null()
            ? "the old key answers too until " + std::string(old->string_at("expires").value_or("")) +
                  ": until then, give every peer the new public key (\"public_key\" in its file); `vpn-server key` shows who "
                  "still uses the old one"
            : "the old key answers no more: no peer connects before it has the new public key (\"public_key\" in its file)");
    return {};
}

CommandResult<void> carry_out(const Key& options, const CommonOptions& common) {
    const auto listing = PeerStore(common.config_file).list();
    if (!listing) return tl::unexpected(listing.error());
    if (!listing->running) say("the server is not running: this is what " + common.config_file + " says");
    const Json keys = keys_document(listing->document);
    if (options.json)
        std::cout << config::format(keys, config::Layout::pretty) << '\n';
    else
        std::cout << keys_text(keys, system::wants_colour(STDOUT_FILENO));
    return {};
}

} // namespace vpn::server
