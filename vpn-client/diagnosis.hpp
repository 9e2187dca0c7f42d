// From what was seen of an attempt to what is wrong, and what to do about it (EXPERIENCE, "Connected means connected"). Pure.
// Refuses to know: who saw it, and when it is time to judge.
#pragma once

#include "common/crypto/suite.hpp"
#include "vpn-client/reason.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace vpn::client {

/// Everything that tells one failure from another. Counted since the last handshake that was completed.
struct Evidence {
    /// As people know them.
    std::string name;
    std::string server;   ///< `vpn.example.org:51820`
    std::string endpoint; ///< the address behind it, `198.51.100.10:51820`
    std::string heard;    ///< who was asked inside and answered: `10.66.0.1 (ping)`, or several
    std::string missing;  ///< and who did not

    std::uint32_t initiations = 0;
    std::uint32_t rejected_responses = 0; ///< answers that did not decrypt
    std::uint32_t cookies = 0;
    std::uint32_t wrong_suites = 0; ///< a question in the other suite was answered
    std::uint32_t port_unreachable = 0;
    std::uint32_t host_unreachable = 0; ///< also the network, and a router that forbids it
    std::uint64_t unsent = 0;           ///< datagrams that this machine refused to send
    /// A small question in the other suite was declined: the server is there, and knows this client in the file's suite.
    bool declined = false;
    std::uint32_t initiations_since_declined = 0;
    bool handshake = false; ///< complete
    bool worked = false;    ///< there was a tunnel before
    bool has_preshared_key = false;
    crypto::Suite suite = crypto::Suite::wireguard; ///< that the file has
    std::uint32_t link_mtu = 0;                     ///< of this machine's link to the server; zero: not known
};

/// The one reason that fits best. Requires: no working tunnel.
Reason diagnose(const Evidence& evidence);

/// Small datagrams pass, and the large ones of a hybrid handshake don't: one way or the other they, or their fragments, are
/// dropped.
bool loses_large_datagrams(const Evidence& evidence);

/// Nothing is gained by waiting longer: the same clear answer came twice.
bool is_certain(const Evidence& evidence);

/// What is wrong, and below it what to do: lines without their ends.
std::vector<std::string> explain(Reason reason, const Evidence& evidence);

/// The lines of `explain` as one text.
std::string explanation(Reason reason, const Evidence& evidence);

/// One half sentence for `status`: `the server does not answer`.
std::string summary_of(Reason reason, const Evidence& evidence);

} // namespace vpn::client
