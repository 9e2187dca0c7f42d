#include "vpn-server/whereabouts_store.hpp"

#include "common/system/files.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace vpn::server {
namespace {

// A first line that names the format; then a line a peer: its key in base64, where it was, when, in seconds since 1970, and the
// public key of the server's that it used, or a dash. Version 1 knew nothing of that.
constexpr std::string_view first_line = "vpn-endpoints 2\n";
constexpr std::string_view first_line_1 = "vpn-endpoints 1\n";
static_assert(first_line.size() == first_line_1.size());
constexpr std::string_view no_key = "-";

/// Takes a word, and the character behind it, away from `text`.
std::string_view take_word(std::string_view& text, char end) {
    const std::string_view word = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    return word;
}

std::optional<Whereabouts> parse_line(std::string_view line, bool with_own_key) {
    const auto key = crypto::PublicKey::parse(take_word(line, ' '));
    const auto endpoint = Endpoint::parse(take_word(line, ' '));
    const std::string_view when = with_own_key ? take_word(line, ' ') : std::exchange(line, {});
    std::int64_t seconds = 0;
    const char* const when_ends = when.data() + when.size();
    const auto [end, error] = std::from_chars(when.data(), when_ends, seconds);
    const auto own_key = crypto::PublicKey::parse(line);
    if (!key || !endpoint || when.empty() || error != std::errc() || end != when_ends) return std::nullopt;
    if (with_own_key && !own_key && line != no_key) return std::nullopt;
    return Whereabouts{*key, *endpoint, Wall(std::chrono::seconds(seconds)), own_key};
}

std::optional<std::vector<Whereabouts>> parse(std::string_view text) {
    const bool with_own_keys = text.starts_with(first_line);
    if ((!with_own_keys && !text.starts_with(first_line_1)) || !text.ends_with('\n')) return std::nullopt;
    text.remove_prefix(first_line.size());
    std::vector<Whereabouts> all;
    while (!text.empty()) {
        const auto one = parse_line(take_word(text, '\n'), with_own_keys);
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
    for (const auto& [peer, endpoint, handshake, own_key] : all) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(handshake.time_since_epoch()).count();
        text += peer.to_string() + ' ' + endpoint.to_string() + ' ' + std::to_string(seconds) + ' ' +
                (own_key ? own_key->to_string() : std::string(no_key)) + '\n';
    }
    if (auto written = system::write_state_file(path_, text); !written) return failed(written.error().message);
    return {};
}

} // namespace vpn::server
