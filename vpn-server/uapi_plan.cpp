#include "vpn-server/uapi_plan.hpp"

#include "common/config/limits.hpp"
#include "common/crypto/x25519.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace vpn::server {
namespace {

using config::ServerConfig;
using config::ServerPeer;

/// The peers of a configuration while a set is applied to them, in the order in which they stand and came.
class Peers {
  public:
    explicit Peers(ServerConfig& config) : config_(config) {
        for (ServerPeer& peer : config.peers) {
            by_key_[peer.public_key] = slots_.size();
            names_.insert(peer.name);
            Slot& slot = slots_.emplace_back();
            for (const auto* list : {&peer.addresses, &peer.allowed_ips})
                for (const Prefix& prefix : *list) assign(prefix, slots_.size() - 1);
            slot.peer = std::move(peer);
        }
    }

    void remove_all_but(const std::unordered_set<crypto::PublicKey>& unseen) {
        for (Slot& slot : slots_)
            if (!slot.peer.disabled && !unseen.contains(slot.peer.public_key)) slot.gone = true;
    }

    void apply(config::UapiPeer&& change) {
        const auto found = by_key_.find(change.public_key);
        const bool known = found != by_key_.end() && !slots_[found->second].gone;
        if (change.remove) {
            if (known) slots_[found->second].gone = true;
            return;
        }
        if (!known && change.update_only) return;
        const std::size_t index = known                    ? found->second
                                  : found != by_key_.end() ? come_back(found->second)
                                                           : add(change.public_key);
        ServerPeer& peer = slots_[index].peer;
        if (change.preshared_key && !equal_in_constant_time(*change.preshared_key, peer.preshared_key)) {
            peer.preshared_key = std::move(*change.preshared_key);
            peer.preshared_key_file.clear();
        }
        if (change.replace_allowed_ips) clear(index);
        for (const config::UapiAllowedIp& each : change.allowed_ips) {
            const Prefix prefix = each.prefix.network();
            if (!each.remove) {
                assign(prefix, index);
            } else if (const auto owner = owners_.find(prefix); owner != owners_.end() && owner->second.slot == index) {
                owners_.erase(owner);
            }
        }
    }

    /// Puts those that are left back where they came from.
    void finish() {
        config_.peers.clear();
        for (std::size_t index = 0; index < slots_.size(); ++index) {
            Slot& slot = slots_[index];
            if (slot.gone) continue;
            place_prefixes(index);
            config_.peers.push_back(std::move(slot.peer));
        }
    }

  private:
    struct Given {
        Prefix prefix;
        std::uint64_t turn;
    };
    struct Slot {
        ServerPeer peer;
        std::vector<Given> given; ///< in order; good are those whose owner and turn the table names
        bool gone = false;
    };
    struct Owner {
        std::size_t slot;
        std::uint64_t turn;
    };

    /// To this one alone; it keeps its place there if it was its already.
    void assign(const Prefix& prefix, std::size_t index) {
        const auto [owner, fresh] = owners_.try_emplace(prefix, Owner{index, turn_});
        if (!fresh && owner->second.slot == index && !slots_[index].gone) return;
        owner->second = {index, turn_};
        slots_[index].given.push_back({prefix, turn_++});
    }

    void clear(std::size_t index) {
        for (const Given& each : std::exchange(slots_[index].given, {})) {
            const auto owner = owners_.find(each.prefix);
            if (owner != owners_.end() && owner->second.slot == index) owners_.erase(owner);
        }
    }

    /// It was removed by this same set, and is one of the file still: its name and its limits are what it keeps.
    std::size_t come_back(std::size_t index) {
        Slot& slot = slots_[index];
        clear(index);
        slot.gone = false;
        slot.peer.preshared_key = crypto::PresharedKey();
        slot.peer.preshared_key_file.clear();
        return index;
    }

    std::size_t add(const crypto::PublicKey& key) {
        by_key_[key] = slots_.size();
        ServerPeer& peer = slots_.emplace_back().peer;
        do {
            peer.name = "peer" + std::to_string(next_number_++);
        } while (!names_.insert(peer.name).second);
        peer.public_key = key;
        return slots_.size() - 1;
    }

    void place_prefixes(std::size_t index) {
        ServerPeer& peer = slots_[index].peer;
        peer.addresses.clear();
        peer.allowed_ips.clear();
        for (const Given& each : slots_[index].given) {
            const auto owner = owners_.find(each.prefix);
            if (owner == owners_.end() || owner->second.slot != index || owner->second.turn != each.turn) continue;
            (is_address(each.prefix) ? peer.addresses : peer.allowed_ips).push_back(each.prefix);
        }
    }

    [[nodiscard]] bool is_address(const Prefix& prefix) const {
        const auto holds = [&](const Prefix& network) { return network.contains(prefix.address()); };
        return prefix.bits() == prefix.address().width() && std::any_of(config_.networks.begin(), config_.networks.end(), holds);
    }

    ServerConfig& config_;
    std::vector<Slot> slots_;
    std::unordered_map<crypto::PublicKey, std::size_t> by_key_;
    std::unordered_set<std::string> names_;
    std::map<Prefix, Owner> owners_;
    std::uint64_t turn_ = 0;
    std::size_t next_number_ = 1;
};

/// A file that says so would not be read again.
std::optional<std::string> beyond_limits(const ServerConfig& config) {
    if (config.peers.size() > config::limits::server_peers) return "there would be too many peers";
    for (const ServerPeer& peer : config.peers)
        if (peer.addresses.size() > config::limits::addresses || peer.allowed_ips.size() > config::limits::allowed_ips)
            return "peer " + config::quote(peer.name) + " would have too many addresses";
    return std::nullopt;
}

void set_private_key(config::ServerInterface& interface, crypto::PrivateKey key) {
    if (equal_in_constant_time(key, interface.private_key)) return;
    interface.private_key = std::move(key);
    interface.private_key_file.clear();
    interface.old_key.reset(); // `wg` knows one key
}

} // namespace

tl::expected<UapiPlan, UapiRefused> plan_uapi_set(const ServerConfig& running, config::UapiSet set,
                                                  const std::unordered_set<crypto::PublicKey>& unserved) {
    UapiPlan plan{.wanted = running.clone(), .passing = {}, .mark = set.mark};
    config::ServerInterface& interface = plan.wanted.interface;
    if (set.private_key) set_private_key(interface, std::move(*set.private_key));
    if (set.listen_port && set.listen_port->value != 0) interface.listen_port = *set.listen_port; // zero: any, and it has one
    const auto ourselves = config::own_public_keys(interface);
    Peers peers(plan.wanted);
    if (set.replace_peers) peers.remove_all_but(unserved);
    for (config::UapiPeer& peer : set.peers) {
        if (std::ranges::find(ourselves, peer.public_key) != ourselves.end()) continue;
        protocol::PeerChange passing;
        passing.public_key = peer.public_key;
        passing.update_only = true;
        passing.endpoint = peer.endpoint;
        passing.persistent_keepalive = peer.persistent_keepalive;
        if (passing.endpoint || passing.persistent_keepalive) plan.passing.push_back(std::move(passing));
        peers.apply(std::move(peer));
    }
    peers.finish();
    if (auto beyond = beyond_limits(plan.wanted)) return tl::unexpected(UapiRefused{EINVAL, std::move(*beyond)});
    if (auto problem = config::check(plan.wanted)) return tl::unexpected(UapiRefused{EINVAL, std::move(problem->message)});
    return plan;
}

} // namespace vpn::server
