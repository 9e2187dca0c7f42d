#include "common/config/uapi_answer.hpp"

namespace vpn::config {
namespace {

constexpr std::size_t longest_device = 256;
constexpr std::size_t longest_peer = 640;
constexpr std::size_t longest_allowed_ip = 60;

/// Lines into one text that never moves: a copy left behind would hold keys.
class Lines {
  public:
    explicit Lines(const std::vector<UapiPeerFacts>& peers) {
        std::size_t size = longest_device;
        for (const UapiPeerFacts& peer : peers) size += longest_peer + peer.allowed_ips.size() * longest_allowed_ip;
        text_.reserve(size);
    }
    void add(std::string_view key, std::string_view value) {
        text_ += key;
        text_ += '=';
        text_ += value;
        text_ += '\n';
    }
    void add(std::string_view key, std::uint64_t number) { add(key, std::to_string(number)); }
    void add_secret(std::string_view key, Bytes secret) {
        std::string hex = format_hex(secret);
        add(key, hex);
        wipe(std::as_writable_bytes(std::span(hex)));
    }
    [[nodiscard]] std::string finish(std::string_view end) && {
        text_ += end;
        return std::move(text_);
    }

  private:
    std::string text_;
};

void add(Lines& lines, const UapiPeerFacts& peer) {
    lines.add("public_key", format_hex(peer.public_key.bytes));
    if (!peer.preshared_key.is_zero()) lines.add_secret("preshared_key", peer.preshared_key.view());
    lines.add("protocol_version", 1U);
    if (peer.endpoint) lines.add("endpoint", peer.endpoint->to_string());
    const auto since_1970 = peer.last_handshake ? peer.last_handshake->time_since_epoch() : Duration::zero();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    lines.add("last_handshake_time_sec", static_cast<std::uint64_t>(seconds.count()));
    lines.add("last_handshake_time_nsec", static_cast<std::uint64_t>((since_1970 - seconds).count()));
    lines.add("tx_bytes", peer.sent.value);
    lines.add("rx_bytes", peer.received.value);
    lines.add("persistent_keepalive_interval", static_cast<std::uint64_t>(peer.persistent_keepalive.count()));
    for (const Prefix& prefix : peer.allowed_ips) lines.add("allowed_ip", prefix.to_string());
}

} // namespace

std::string format_uapi_answer(const UapiDeviceFacts& device, const std::vector<UapiPeerFacts>& peers) {
    Lines lines(peers);
    if (!device.private_key.is_zero()) lines.add_secret("private_key", device.private_key.view());
    lines.add("listen_port", device.listen_port.value);
    if (device.mark.value != 0) lines.add("fwmark", device.mark.value);
    for (const UapiPeerFacts& peer : peers) add(lines, peer);
    return std::move(lines).finish(format_uapi_end(0, true));
}

std::string format_uapi_end(int error, bool of_get) { return "errno=" + std::to_string(of_get ? error : -error) + "\n\n"; }

} // namespace vpn::config
