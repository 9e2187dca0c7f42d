#include "common/base/ip.hpp"
#include "common/config/host_port.hpp"
#include "common/config/server_config.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

/// What is written is read back equal, and written the same again.
template <class T> void round_trip(std::string_view text) {
    const auto value = T::parse(text);
    if (!value) return;
    const std::string written = value->to_string();
    const auto again = T::parse(written);
    vpn::fuzz::demand(again.has_value() && *again == *value && again->to_string() == written);
}

void check_prefix(std::string_view text) {
    const auto prefix = vpn::Prefix::parse(text);
    if (!prefix) return;
    vpn::fuzz::demand(prefix->contains(prefix->address()) && prefix->overlaps(*prefix));
    vpn::fuzz::demand(prefix->network().network() == prefix->network() && prefix->overlaps(prefix->network()));
}

/// A name with a port and the endpoint agree on what an address is.
void check_host_port(std::string_view text) {
    const auto named = vpn::config::HostPort::parse(text);
    const auto endpoint = vpn::Endpoint::parse(text);
    if (endpoint) vpn::fuzz::demand(named.has_value() && named->literal() == endpoint);
    if (named && named->literal()) vpn::fuzz::demand(named->to_string() == named->literal()->to_string());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = vpn::fuzz::text_of(data, size);
    round_trip<vpn::IpAddress>(text);
    round_trip<vpn::Prefix>(text);
    round_trip<vpn::Endpoint>(text);
    round_trip<vpn::config::HostPort>(text);
    round_trip<vpn::config::HostService>(text);
    check_prefix(text);
    check_host_port(text);
    return 0;
}
