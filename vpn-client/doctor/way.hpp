// From facts about the ways to the servers to what is wrong with them: their names, their answers to a handshake, the size of
// packets, and what comes out at the other end. Pure. Refuses to know: who asked, and how long he waited.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/time.hpp"
#include "vpn-client/diagnosis.hpp"
#include "vpn-client/doctor/finding.hpp"
#include "vpn-client/portal/answer.hpp"
#include "vpn-client/report.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::client::checks {

struct NameFacts {
    /// As the file has it.
    std::string host;
    bool is_address = false;
    std::vector<IpAddress> found;
    /// Why nothing was found.
    std::string trouble;
};
Finding judge_name(const NameFacts& facts);

/// An attempt of our own, where no daemon runs.
struct Attempt {
    std::optional<Duration> took; ///< none: no handshake was completed
    Evidence evidence;
    std::string trouble; ///< why none could be made
};
Finding judge_server(const Attempt& attempt);
Finding judge_server(const Report& report);

/// A server that is not asked, since the connection stands by way of another one, or a peer beside the main one.
struct BesideFacts {
    std::string link;      ///< by which outer packets to it would leave; empty: by none
    bool resolved = false; ///< it has an address
};
Finding judge_server_beside(const BesideFacts& facts);
Finding judge_peer_beside(const PeerReport& peer);

/// What was found of one of several servers, which it names.
Finding about(const std::string& server, Finding finding);
/// Of one peer's servers, one that serves is enough: what fails at the others is a warning then.
Findings as_choices(Findings of_one_peer);

struct PortalFacts {
    /// Of the connection.
    std::string name;
    std::string url;
    bool locked = false; ///< so that nobody was asked
    WayOut seen;
};
Finding judge_portal(const PortalFacts& facts);

struct SizeFacts {
    std::uint32_t outer = 0;  ///< of the link that leads there
    std::uint32_t inner = 0;  ///< of the tunnel; zero: not up
    std::uint32_t around = 0; ///< what is put around each packet
    /// The largest outer packet that the whole way carries in one piece, as the connection found it by probing.
    std::optional<std::uint32_t> path;
    /// A ping as long as the tunnel's MTU was answered; none: nobody was asked, or he answers no short one either.
    std::optional<bool> longest_passed;
};
Finding judge_size(const SizeFacts& facts);

/// Somebody inside who was asked.
struct Asked {
    IpAddress address;
    bool dns = false;     ///< else by ping
    bool guessed = false; ///< the file doesn't name him: silence says nothing
    bool answered = false;
};

struct EgressFacts {
    Family family = Family::v4;
    bool full = false;       ///< everything of this family is to go through the tunnel
    bool any = false;        ///< something is
    std::string interface;   ///< the tunnel's
    std::string way_outside; ///< by which a packet to anywhere leaves; empty: by none
    bool locked = false;
    std::vector<Asked> asked;
};
Finding judge_egress(const EgressFacts& facts);

struct DnsFacts {
    bool full = false;
    std::vector<Asked> asked;
    /// Of /etc/resolv.conf, and by which interface each is reached.
    struct Resolver {
        IpAddress address;
        std::string way;
    };
    std::vector<Resolver> resolvers;
    std::string interface;
};
Finding judge_dns(const DnsFacts& facts);

} // namespace vpn::client::checks
