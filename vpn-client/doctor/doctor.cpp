#include "vpn-client/doctor/doctor.hpp"

#include "common/protocol/message.hpp"
#include "common/system/clocks.hpp"
#include "common/system/process.hpp"
#include "common/system/progress.hpp"
#include "common/system/terminal.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/doctor/attempt.hpp"
#include "vpn-client/doctor/findings_text.hpp"
#include "vpn-client/doctor/look_around.hpp"
#include "vpn-client/doctor/question.hpp"
#include "vpn-client/endpoints.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/portal/check.hpp"
#include "vpn-client/what_is_there.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iostream>

namespace vpn::client {
namespace checks {
namespace {

using namespace std::chrono_literals;
using system::ExitCode;

constexpr Duration patience = 2s;
/// Two initiations, and then one in the other suite.
constexpr Duration patience_with_server = 11s;

/// Nobody's (RFC 5737, RFC 3849): what leads there leads anywhere.
IpAddress anywhere(Family family) { return *IpAddress::parse(family == Family::v4 ? "203.0.113.1" : "2001:db8:ffff::1"); }

class Examination {
  public:
    Examination(system::Netlink netlink, system::Nftables nftables, std::optional<ConnectionFile> file)
        : netlink_(std::move(netlink)), nftables_(std::move(nftables)), file_(std::move(file)) {
        if (!file_) return;
        if (auto report = ask_for_report(file_->origin.name)) report_ = std::move(*report);
    }

    Findings run() {
        add(judge_clock(system::now().wall, file_ ? last_greeting(*file_) : std::nullopt));
        add(judge_leftovers(look_for_leftovers(netlink_, nftables_)));
        const NetworkView view = look_at_network(netlink_);
        add(judge_other_vpns(view));
        if (!file_) return std::move(findings_);
        const config::ClientConfig& config = file_->config;
        add(judge_overlaps(view, all_allowed_ips(config), config.interface.addresses));
        for (const Manager& manager : look_for_managers(netlink_, config.interface.name))
            add(judge_manager(manager, config.interface.name));
        examine_way();
        return std::move(findings_);
    }

  private:
    void add(Finding finding) { findings_.push_back(std::move(finding)); }
    void add(Findings findings) {
        for (Finding& finding : findings) add(std::move(finding));
    }

    void examine_way() {
        find_places();
        add_for_each_peer([](const Place& place) { return judge_name(place.name); });
        examine_reverse_paths();
        if (report_)
            judge_running();
        else
            try_servers();
        examine_portal();
        if (report_) examine_inside();
        if (const Place* const used = place_in_use()) add(judge_size(size_facts(*used->link, used->endpoint->address.family())));
        if (report_) examine_egress();
    }

    /// One place where a peer may be.
    struct Place {
        const config::ClientPeer* peer;
        config::HostPort named;
        NameFacts name;
        std::optional<Endpoint> endpoint; ///< by which it is looked at
        std::optional<system::Link> link; ///< that leads there
        bool is_current = false;          ///< the running connection has its peer there
    };

    /// The main peer's first, in the order of the file.
    void find_places() {
        const config::ClientPeer& main = main_peer(file_->config);
        std::vector<const config::ClientPeer*> peers{&main};
        for (const config::ClientPeer& peer : file_->config.peers)
            if (&peer != &main && peer.endpoint) peers.push_back(&peer);
        std::vector<config::HostPort> all;
        for (const config::ClientPeer* peer : peers)
            for (const config::HostPort& server : servers_of(*peer)) all.push_back(server);
        if (!all.empty()) progress_.now("looking up " + all.front().host + (all.size() > 1 ? " and others" : ""));
        std::vector<NameFacts> names = look_up(all);
        auto name = names.begin();
        for (const config::ClientPeer* peer : peers) {
            const std::vector<config::HostPort> servers = servers_of(*peer);
            for (const config::HostPort& server : servers) {
                Place place{.peer = peer, .named = server, .name = std::move(*name++), .endpoint = {}, .link = {}};
                const auto now = endpoint_of(*peer);
                place.is_current =
                    now && (servers.size() == 1 || (now->port == server.port &&
                                                    std::ranges::find(place.name.found, now->address) != place.name.found.end()));
                place.endpoint = place.is_current ? now : reachable(place);
                if (place.endpoint) place.link = outer_link(netlink_, place.endpoint->address);
                places_.push_back(std::move(place));
            }
        }
    }

    /// Where the main peer is now, or else the first place that a way leads to.
    [[nodiscard]] const Place* place_in_use() const {
        const Place* first = nullptr;
        for (const Place& place : places_) {
            if (!place.link) continue;
            if (place.is_current && place.peer == places_.front().peer) return &place;
            if (first == nullptr) first = &place;
        }
        return first;
    }

    /// Where the daemon has a peer now.
    [[nodiscard]] std::optional<Endpoint> endpoint_of(const config::ClientPeer& peer) const {
        const PeerReport* const report = report_of(peer);
        return report != nullptr ? Endpoint::parse(report->endpoint) : std::nullopt;
    }

    [[nodiscard]] const PeerReport* report_of(const config::ClientPeer& peer) const {
        if (!report_) return nullptr;
        const auto found = std::ranges::find(report_->peers, peer.public_key.to_string(), &PeerReport::public_key);
        return found == report_->peers.end() ? nullptr : &*found;
    }

    [[nodiscard]] std::optional<Endpoint> reachable(const Place& place) {
        if (place.name.found.empty()) return std::nullopt;
        for (const IpAddress& address : place.name.found)
            if (outer_link(netlink_, address)) return Endpoint{address, place.named.port, 0};
        return Endpoint{place.name.found.front(), place.named.port, 0};
    }

    /// Empty where there is only one place: what is said of it needs no name.
    [[nodiscard]] std::string label_of(const Place& place) const {
        if (places_.size() == 1) return {};
        const bool one_peer = places_.front().peer == places_.back().peer;
        return (one_peer || place.peer->name.empty() ? "" : place.peer->name + " at ") + place.named.to_string();
    }

    [[nodiscard]] Finding about_place(const Place& place, Finding finding) const {
        const std::string label = label_of(place);
        return label.empty() ? finding : about(label, std::move(finding));
    }

    /// `judge` makes a finding of a place, or none.
    void add_for_each_peer(const std::function<std::optional<Finding>(const Place&)>& judge) {
        for (std::size_t i = 0; i < places_.size();) {
            const config::ClientPeer* const peer = places_[i].peer;
            Findings of_peer;
            for (; i < places_.size() && places_[i].peer == peer; ++i)
                if (auto finding = judge(places_[i])) of_peer.push_back(std::move(*finding));
            add(as_choices(std::move(of_peer)));
        }
    }

    void examine_reverse_paths() {
        std::vector<std::string> seen;
        for (const Place& place : places_) {
            if (!place.link || std::ranges::find(seen, place.link->name) != seen.end()) continue;
            seen.push_back(place.link->name);
            add(judge_reverse_path(look_at_reverse_path(place.link->name, journal())));
        }
    }

    void try_servers() {
        std::vector<Server> servers;
        for (const Place& place : places_)
            if (place.endpoint) servers.push_back({place.peer, place.named, *place.endpoint});
        progress_.now(servers.size() == 1 ? "asking the server for a handshake" : "asking the servers for a handshake");
        const auto attempts = try_handshakes(file_->config, servers, timestamps_path(file_->origin.name), patience_with_server);
        auto attempt = attempts.begin();
        add_for_each_peer([&](const Place& place) -> std::optional<Finding> {
            if (!place.endpoint) return std::nullopt;
            if (attempt->took && place.peer == places_.front().peer) reached_ = true;
            return about_place(place, judge_server(*attempt++));
        });
    }

    /// Nobody but the daemon speaks for this key now: what it knows is told.
    void judge_running() {
        reached_ = report_->state == State::connected;
        Finding of_main = judge_server(*report_);
        const auto current = std::ranges::find_if(places_, &Place::is_current);
        const bool known = current != places_.end() && current->peer == places_.front().peer;
        add(known ? about_place(*current, std::move(of_main)) : std::move(of_main));
        for (const Place& place : places_) {
            const PeerReport* const report = report_of(*place.peer);
            if (place.is_current && place.peer == places_.front().peer) continue;
            if (place.is_current && report != nullptr)
                add(about_place(place, judge_peer_beside(*report)));
            else if (places_.size() > 1)
                add(about_place(place, judge_server_beside({place.link ? place.link->name : "", place.endpoint.has_value()})));
        }
    }

    /// Whoever reaches the server is kept out by nobody.
    void examine_portal() {
        const auto& url = file_->config.interface.portal_check;
        if (!url || reached_) return;
        PortalFacts facts{file_->origin.name, url->to_string(), report_ && report_->lock == LockState::shut, {}};
        if (report_ && report_->portal) facts.seen = {WayOut::Kind::portal, *report_->portal};
        progress_.now("looking for a captive portal");
        if (!facts.locked && facts.seen.kind == WayOut::Kind::unknown)
            facts.seen = ask_for_way_out({*url, {}, outer_mark, patience});
        add(judge_portal(facts));
    }

    [[nodiscard]] const Journal* journal() {
        journals_ = running_journals();
        const auto found = std::ranges::find(journals_, file_->origin.name, &Journal::name);
        return found == journals_.end() ? nullptr : &*found;
    }

    void examine_inside() {
        progress_.now("asking through the tunnel");
        asked_ = whom_to_ask(file_->config);
        ask(asked_, report_->interface, patience);
    }

    SizeFacts size_facts(const system::Link& link, Family family) {
        SizeFacts facts;
        facts.outer = link.mtu;
        std::size_t suite = 0;
        for (const config::ClientPeer& peer : file_->config.peers) suite = std::max(suite, protocol::data_overhead(peer.suite));
        facts.around = static_cast<std::uint32_t>(suite) + 8 + (family == Family::v4 ? 20 : 40);
        if (!report_) return facts;
        const auto tunnel = system::find_link(netlink_, report_->interface);
        facts.inner = tunnel ? tunnel->mtu : 0;
        if (report_->path_mtu) facts.path = static_cast<std::uint32_t>(*report_->path_mtu);
        for (const Asked& each : asked_)
            if (each.answered && !each.dns && !facts.longest_passed)
                facts.longest_passed = ping_passes(each.address, report_->interface, facts.inner, patience);
        return facts;
    }

    void examine_egress() {
        const std::vector<Prefix> allowed_ips = all_allowed_ips(file_->config);
        for (const Family family : {Family::v4, Family::v6}) {
            EgressFacts facts;
            facts.family = family;
            facts.full = is_full_tunnel(file_->config, family) && report_->lock != LockState::paused;
            facts.any = std::ranges::any_of(allowed_ips, [family](const Prefix& each) { return each.family() == family; });
            facts.interface = report_->interface;
            facts.way_outside = way_to(netlink_, anywhere(family));
            facts.locked = report_->lock == LockState::shut;
            for (const Asked& each : asked_)
                if (each.address.family() == family) facts.asked.push_back(each);
            add(judge_egress(facts));
        }
        add(judge_dns(dns_facts(is_full_tunnel(file_->config))));
    }

    DnsFacts dns_facts(bool full) {
        DnsFacts facts;
        facts.full = full;
        facts.interface = report_->interface;
        for (const Asked& each : asked_)
            if (each.dns) facts.asked.push_back(each);
        for (const IpAddress& address : resolvers_of_machine()) facts.resolvers.push_back({address, way_to(netlink_, address)});
        return facts;
    }

    system::Netlink netlink_;
    system::Nftables nftables_;
    std::optional<ConnectionFile> file_;
    std::optional<Report> report_; ///< of the connection, if its daemon runs
    std::vector<Journal> journals_;
    std::vector<Place> places_;
    bool reached_ = false; ///< the main peer
    system::Progress progress_{"looking at this machine"};
    std::vector<Asked> asked_;
    Findings findings_;
};

/// The file of the connection that is meant. None if there is none, and none was named.
Granted<std::optional<ConnectionFile>> file_of(const DoctorCommand& command) {
    std::string target;
    if (command.target) {
        target = *command.target;
    } else {
        const auto only = named_or_only(std::nullopt);
        if (!only && only.error().code == ExitCode::not_running) return std::nullopt;
        if (!only) return tl::unexpected(only.error());
        const auto report = ask_for_report(*only);
        target = report ? report->file : *only;
        const auto name = parse_connection_name(target);
        if (!report && name && ::access(name->path.c_str(), F_OK) != 0)
            return std::nullopt; // what a crash left of a file elsewhere
    }
    const auto name = parse_connection_name(target);
    if (!name) return tl::unexpected(name.error());
    auto file = load_connection(*name);
    if (!file) return tl::unexpected(file.error());
    return std::optional<ConnectionFile>(std::move(*file));
}

} // namespace
} // namespace checks

system::ExitCode doctor(const DoctorCommand& command) {
    using system::ExitCode;
    static_cast<void>(system::protect_memory());
    auto file = checks::file_of(command);
    if (!file) return complain(file.error());
    if (!system::has_net_admin())
        return complain({ExitCode::no_permission, "only root (CAP_NET_ADMIN) sees all that is to be seen: run it with sudo", {}});
    auto netlink = system::Netlink::open();
    if (!netlink) return complain({ExitCode::failure, netlink.error().message, {}});
    auto nftables = system::Nftables::open();
    if (!nftables) return complain({ExitCode::failure, nftables.error().message, {}});
    const std::string name = *file ? (*file)->origin.name : "";
    const checks::Findings findings = checks::Examination(std::move(*netlink), std::move(*nftables), std::move(*file)).run();
    if (command.json)
        std::cout << format(checks::to_json(name, findings), config::Layout::pretty) << '\n';
    else
        std::cout << findings_text(findings, system::wants_colour(STDOUT_FILENO));
    return checks::any_failed(findings) ? ExitCode::failure : ExitCode::ok;
}

} // namespace vpn::client
