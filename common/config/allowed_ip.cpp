#include "common/config/allowed_ip.hpp"

#include "common/base/prefix_difference.hpp"
#include "common/config/rules.hpp"

#include <algorithm>
#include <set>

namespace vpn::config {
namespace {

bool inside(const Prefix& inner, const Prefix& outer) { return outer.bits() <= inner.bits() && outer.contains(inner.address()); }

std::set<Prefix> as_set(const std::vector<Prefix>& prefixes) { return {prefixes.begin(), prefixes.end()}; }

std::string quoted(const AllowedIp& ip) { return '"' + ip.to_string() + '"'; }

/// Goes through the prefixes of all peers in order, and keeps those around the present one.
class Overlaps {
  public:
    explicit Overlaps(const std::vector<PeerIps>& peers) {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            for (const Prefix& prefix : peers[i].remaining) all_.push_back({prefix, i});
            const std::vector<Prefix> listed = prefixes_of(peers[i].written, false);
            listed_.emplace_back(listed.begin(), listed.end());
        }
        std::ranges::sort(all_);
    }

    std::optional<Problem> find() {
        std::vector<Owned> around;
        for (const Owned& here : all_) {
            while (!around.empty() && !inside(here.prefix, around.back().prefix)) around.pop_back();
            for (const Owned& outer : around)
                if (auto problem = clash(here, outer)) return problem;
            around.push_back(here);
        }
        return std::nullopt;
    }

  private:
    struct Owned {
        Prefix prefix;
        std::size_t peer = 0;
        friend auto operator<=>(const Owned&, const Owned&) = default;
    };

    std::optional<Problem> clash(const Owned& a, const Owned& b) const {
        for (const auto& [piece, meant] : {std::pair(a, b), std::pair(b, a)}) {
            if (piece.peer == meant.peer || !inside(piece.prefix, meant.prefix) || !is_listed_around(piece.peer, meant.prefix))
                continue;
            if (listed_[piece.peer].contains(piece.prefix)) continue; // it is meant to outrank the other
            const std::string text = meant.prefix.to_string();
            std::string message = text;
            message.append(" belongs to peer ").append(std::to_string(meant.peer + 1));
            message.append(": a list with exclusions has to exclude it, too: add \"!").append(text).append("\"");
            return Problem{peer_path(piece.peer, "allowed_ips"), std::move(message)};
        }
        return std::nullopt;
    }

    /// The peer has a shorter prefix around this one on a list with exclusions.
    [[nodiscard]] bool is_listed_around(std::size_t peer, const Prefix& prefix) const {
        for (unsigned bits = 0; bits < prefix.bits(); ++bits)
            if (listed_[peer].contains(Prefix(prefix.address(), bits).network())) return true;
        return false;
    }

    std::vector<Owned> all_;
    std::vector<std::set<Prefix>> listed_;
};

} // namespace

std::optional<AllowedIp> AllowedIp::parse(std::string_view text) {
    const bool excluded = text.starts_with('!');
    const auto prefix = Prefix::parse(text.substr(excluded ? 1 : 0));
    if (!prefix) return std::nullopt;
    return AllowedIp{prefix->network(), excluded};
}

std::string AllowedIp::to_string() const { return (excluded ? "!" : "") + prefix.to_string(); }

std::vector<Prefix> prefixes_of(const std::vector<AllowedIp>& list, bool excluded) {
    std::vector<Prefix> chosen;
    for (const AllowedIp& ip : list)
        if (ip.excluded == excluded) chosen.push_back(ip.prefix);
    return chosen;
}

std::vector<Prefix> remaining(const std::vector<AllowedIp>& list) {
    std::vector<Prefix> listed = prefixes_of(list, false);
    const std::vector<Prefix> excluded = prefixes_of(list, true);
    if (excluded.empty()) return listed;
    // One by one: a longer prefix that is listed beside a shorter one outranks other peers' prefixes, and has to stay.
    std::set<Prefix> all;
    for (const Prefix& each : listed) all.merge(as_set(prefix_difference({each}, excluded)));
    return {all.begin(), all.end()};
}

std::optional<Problem> check_exclusions(const std::vector<AllowedIp>& list, const std::string& where) {
    const std::vector<Prefix> listed = prefixes_of(list, false);
    std::set<Prefix> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].excluded) continue;
        const Prefix& out = list[i].prefix;
        if (!seen.insert(out).second) return Problem{item_path(where, i), quoted(list[i]) + " is there twice"};
        const auto whole = std::ranges::find_if(listed, [&out](const Prefix& prefix) { return inside(prefix, out); });
        if (whole != listed.end())
            return Problem{item_path(where, i),
                           whole->to_string() + " is listed, and excluded by " + quoted(list[i]) + ": take one of them out"};
        if (std::ranges::none_of(listed, [&out](const Prefix& prefix) { return inside(out, prefix); }))
            return Problem{item_path(where, i), quoted(list[i]) + " excludes nothing: no prefix of this list is around it"};
    }
    if (!seen.empty() && remaining(list).empty()) return Problem{where, "the exclusions leave nothing of this list"};
    return std::nullopt;
}

std::optional<Problem> check_overlaps(const std::vector<PeerIps>& peers) {
    if (std::ranges::all_of(peers, [](const PeerIps& peer) { return peer.written.empty(); })) return std::nullopt;
    return Overlaps(peers).find();
}

} // namespace vpn::config
