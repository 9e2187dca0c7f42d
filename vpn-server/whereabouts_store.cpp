#include "vpn-server/whereabouts_store.hpp"

#include "common/system/files.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

namespace vpn::server {
namespace {

// A first line that names the format; then a line a peer: its key in base64, where it was, and when, in seconds since 1970.
constexpr std::string_view first_line = "vpn-endpoints 1\n";

/// Takes a word, and the character behind it, away from `text`.
std::string_view take_word(std::string_view& text, char end) {
    const std::string_view word = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    return word;
}

std::optional<Whereabouts> parse_line(std::string_view line) {
    const auto key = crypto::PublicKey::parse(take_word(line, ' '));
    const auto endpoint = Endpoint::parse(take_word(line, ' '));
    std::int64_t seconds = 0;
    const char* const line_end = line.data() + line.size();
    const auto [end, error] = std::from_chars(line.data(), line_end, seconds);
    if (!key || !endpoint || line.empty() || error != std::errc() || end != line_end) return std::nullopt;
    return Whereabouts{*key, *endpoint, Wall(std::chrono::seconds(seconds))};
}

std::optional<std::vector<Whereabouts>> parse(std::string_view text) {
    if (!text.starts_with(first_line) || !text.ends_with('\n')) return std::nullopt;
    text.remove_prefix(first_line.size());
    std::vector<Whereabouts> all;
    while (!text.empty()) {
        const auto one = parse_line(take_word(text, '\n'));
        if (!one) return std::nullopt;
        all.push_back(*one);
    }
    return all;
}

} // namespace

Result<std::vector<Whereabouts>> WhereaboutsStore::load() const {
    const auto text = system::read_private_file(path_);
    if (!text && text.error().kind == system::FileError::Kind::missing) return std::vector<Whereabouts>();
    if (!text) return failed(text.error().message);
    auto all = parse(*text);
    if (!all) return failed(path_ + " does not hold where peers were");
    return std::move(*all);
}

Result<void> WhereaboutsStore::save(const std::vector<Whereabouts>& all) const {
    std::string text(first_line);
    for (const auto& [peer, endpoint, handshake] : all) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(handshake.time_since_epoch()).count();
        text += peer.to_string() + ' ' + endpoint.to_string() + ' ' + std::to_string(seconds) + '\n';
    }
    if (auto written = system::write_state_file(path_, text); !written) return failed(written.error().message);
    return {};
}

} // namespace vpn::server
