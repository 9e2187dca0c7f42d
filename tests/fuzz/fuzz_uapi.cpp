// Any lines that `wg` or somebody else may say: what is understood is told again, and understood as the same.
#include "common/config/uapi_answer.hpp"
#include "common/config/uapi_request.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cerrno>

namespace {

using namespace vpn;
using namespace vpn::config;

std::optional<std::uint32_t> scope_of(const std::string& name) {
    return name.starts_with('e') ? std::optional(static_cast<std::uint32_t>(name.size())) : std::nullopt;
}

/// Calls `each` with every line.
template <class Each> void for_each_line(std::string_view text, Each each) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        each(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

UapiPeerFacts facts_of(const UapiPeer& peer) {
    UapiPeerFacts facts;
    facts.public_key = peer.public_key;
    if (peer.preshared_key) facts.preshared_key = peer.preshared_key->clone();
    facts.endpoint = peer.endpoint;
    facts.persistent_keepalive = peer.persistent_keepalive.value_or(std::chrono::seconds(0));
    for (const UapiAllowedIp& each : peer.allowed_ips) facts.allowed_ips.push_back(each.prefix);
    return facts;
}

bool can_be_said(std::string_view line) {
    for (const std::string_view key : {"last_handshake_", "tx_bytes", "rx_bytes", "errno"})
        if (line.starts_with(key)) return false;
    return !line.empty();
}

/// What an interface that is as `set` says would tell, as somebody's next set.
std::string told_again(const UapiSet& set) {
    UapiDeviceFacts device;
    if (set.private_key) device.private_key = set.private_key->clone();
    device.listen_port = set.listen_port.value_or(Port{});
    device.mark = set.mark.value_or(Mark{});
    std::vector<UapiPeerFacts> peers;
    for (const UapiPeer& peer : set.peers) peers.push_back(facts_of(peer));
    std::string text = "set=1\n";
    for_each_line(format_uapi_answer(device, peers), [&](std::string_view line) {
        if (can_be_said(line)) text += std::string(line) + '\n';
    });
    return text;
}

void check_set(const UapiSet& set) {
    const std::string text = told_again(set);
    UapiParser parser([](const std::string&) { return std::nullopt; });
    for_each_line(text, [&](std::string_view line) { fuzz::demand(!parser.handle_line(line)); });
    const auto again = parser.handle_line("");
    fuzz::demand(again && std::holds_alternative<UapiSet>(*again));
    fuzz::demand(told_again(std::get<UapiSet>(*again)) == text);
}

void check(const UapiRequest& request) {
    if (const auto* set = std::get_if<UapiSet>(&request)) check_set(*set);
    const auto* refusal = std::get_if<UapiRefusal>(&request);
    if (refusal == nullptr) return;
    fuzz::demand(refusal->error == EINVAL || refusal->error == EPROTO || refusal->error == ENODEV);
    fuzz::demand(refusal->why.starts_with("line ") && refusal->why.size() < 100);
    fuzz::demand(format_uapi_end(refusal->error, refusal->of_get).ends_with("\n\n"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    UapiParser parser(scope_of);
    bool under_way = false;
    for_each_line(fuzz::text_of(data, size), [&](std::string_view line) {
        const auto request = parser.handle_line(line);
        fuzz::demand(request.has_value() == (line.empty() && under_way));
        under_way = !line.empty();
        if (request) check(*request);
    });
    return 0;
}
