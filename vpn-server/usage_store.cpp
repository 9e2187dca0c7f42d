#include "vpn-server/usage_store.hpp"

#include "common/system/files.hpp"

#include <charconv>
#include <optional>
#include <string_view>

namespace vpn::server {
namespace {

// A first line that names the format; then a line a peer: its key in base64, and bytes.
constexpr std::string_view first_line = "vpn-usage 1\n";
constexpr std::size_t key_length = 44;

std::optional<Usage> parse(std::string_view text) {
    if (!text.starts_with(first_line) || !text.ends_with('\n')) return std::nullopt;
    text.remove_prefix(first_line.size());
    Usage usage;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + 1);
        if (line.size() <= key_length || line[key_length] != ' ') return std::nullopt;
        const auto key = crypto::PublicKey::parse(line.substr(0, key_length));
        std::uint64_t bytes = 0;
        const char* const line_end = line.data() + line.size();
        const auto [end, error] = std::from_chars(line.data() + key_length + 1, line_end, bytes);
        if (!key || error != std::errc() || end != line_end || !usage.emplace(*key, ByteCount{bytes}).second) return std::nullopt;
    }
    return usage;
}

} // namespace

Result<Usage> UsageStore::load() const {
    const auto text = system::read_private_file(path_);
    if (!text && text.error().kind == system::FileError::Kind::missing) return Usage();
    if (!text) return failed(text.error().message);
    auto usage = parse(*text);
    if (!usage) return failed(path_ + " does not hold what peers used");
    return std::move(*usage);
}

Result<void> UsageStore::save(const Usage& usage) const {
    std::string text(first_line);
    for (const auto& [key, used] : usage) text += key.to_string() + ' ' + std::to_string(used.value) + '\n';
    if (auto written = system::write_state_file(path_, text); !written) return failed(written.error().message);
    return {};
}

} // namespace vpn::server
