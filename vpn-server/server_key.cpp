#include "vpn-server/server_key.hpp"

#include "common/crypto/x25519.hpp"

#include <chrono>

namespace vpn::server {
namespace {

bool has_ended(const config::OldKey& old, Wall now) { return old.expires <= now; }

} // namespace

Result<void> rekey(config::ServerConfig& config, Duration grace, Wall now, Random& random) {
    drop_ended_key(config, now);
    config::ServerInterface& interface = config.interface;
    if (interface.old_key)
        return failed("two keys answer already, the old one until " + config::format_instant(interface.old_key->expires) +
                      ": wait until then, or end it with `vpn-server rekey --end` first");
    if (grace > Duration::zero())
        interface.old_key = config::OldKey{std::move(interface.private_key), interface.private_key_file,
                                           std::chrono::ceil<std::chrono::seconds>(now + grace)};
    interface.private_key = crypto::generate_private_key(random);
    interface.private_key_file.clear(); // what stands there is the old one
    return {};
}

Result<void> end_old_key(config::ServerConfig& config) {
    if (!config.interface.old_key) return failed("there is no old key: only one answers");
    config.interface.old_key.reset();
    return {};
}

bool drop_ended_key(config::ServerConfig& config, Wall now) {
    auto& old = config.interface.old_key;
    if (!old || !has_ended(*old, now)) return false;
    old.reset();
    return true;
}

protocol::OwnKeys own_keys(const config::ServerInterface& interface, Wall now) {
    const auto& old = interface.old_key;
    if (!old || has_ended(*old, now)) return interface.private_key.clone();
    return {interface.private_key.clone(), old->private_key.clone()};
}

} // namespace vpn::server
