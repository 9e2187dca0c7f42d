#include "tun/timestamp_store.hpp"

#include "common/base/encoding.hpp"
#include "common/system/files.hpp"

#include <optional>
#include <string_view>

namespace vpn::tun {
namespace {

// A first line that names the format; then a line a peer: its key in base64, the timestamp sent and the one received in hex.
constexpr std::string_view first_line = "vpn-timestamps 1\n";
constexpr std::size_t key_length = 44;
constexpr std::size_t stamp_length = 24;
constexpr std::size_t line_length = key_length + 1 + stamp_length + 1 + stamp_length + 1;

std::string format(const std::vector<protocol::Timestamps>& timestamps) {
    std::string text(first_line);
    text.reserve(text.size() + timestamps.size() * line_length);
    for (const protocol::Timestamps& peer : timestamps)
        text.append(peer.peer.to_string())
            .append(1, ' ')
            .append(format_hex(peer.sent.bytes))
            .append(1, ' ')
            .append(format_hex(peer.received.bytes))
            .append(1, '\n');
    return text;
}

std::optional<protocol::Timestamps> parse_line(std::string_view line) {
    constexpr std::size_t sent_at = key_length + 1;
    constexpr std::size_t received_at = sent_at + stamp_length + 1;
    if (line[sent_at - 1] != ' ' || line[received_at - 1] != ' ' || line.back() != '\n') return std::nullopt;
    const auto key = crypto::PublicKey::parse(line.substr(0, key_length));
    protocol::Timestamps peer;
    if (!key || !parse_hex(line.substr(sent_at, stamp_length), peer.sent.bytes) ||
        !parse_hex(line.substr(received_at, stamp_length), peer.received.bytes))
        return std::nullopt;
    peer.peer = *key;
    return peer;
}

std::optional<std::vector<protocol::Timestamps>> parse(std::string_view text) {
    if (text.substr(0, first_line.size()) != first_line) return std::nullopt;
    text.remove_prefix(first_line.size());
    if (text.size() % line_length != 0) return std::nullopt;
    std::vector<protocol::Timestamps> timestamps;
    for (; !text.empty(); text.remove_prefix(line_length)) {
        const auto peer = parse_line(text.substr(0, line_length));
        if (!peer) return std::nullopt;
        timestamps.push_back(*peer);
    }
    return timestamps;
}

} // namespace

Result<std::vector<protocol::Timestamps>> TimestampStore::load() const {
    const auto text = system::read_private_file(path_);
    if (!text && text.error().kind == system::FileError::Kind::missing) return std::vector<protocol::Timestamps>();
    if (!text) return failed(text.error().message);
    auto timestamps = parse(*text);
    if (!timestamps) return failed(path_ + " does not hold handshake timestamps");
    return std::move(*timestamps);
}

Result<void> TimestampStore::save(const std::vector<protocol::Timestamps>& timestamps) const {
    if (auto written = system::write_state_file(path_, format(timestamps)); !written) return failed(written.error().message);
    return {};
}

} // namespace vpn::tun
