#include "vpn-server/config_file.hpp"

#include "common/base/secret.hpp"
#include "common/system/clocks.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/os_error.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

namespace vpn::server {
namespace {

constexpr unsigned mode = 0600;
/// What a byte of the file becomes while it is read: a tree of JSON, then a configuration.
constexpr std::uint64_t memory_per_byte = 16;

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text.data(), text.size()))); }

Result<std::string> read_key(const std::string& path) {
    auto text = system::read_private_file(path, ByteCount{4096});
    if (!text) return failed(text.error().message);
    return std::move(*text);
}

std::string directory_of(const std::string& path) {
    const std::string directory = std::filesystem::path(path).parent_path().string();
    return directory.empty() ? "." : directory;
}

/// Whether it is what would be written.
bool is_encoded(const std::string& text, const config::ServerConfig& config) {
    std::string encoded = config::encode(config);
    const bool same = text == encoded;
    wipe_text(encoded);
    return same;
}

/// Of what we have just written.
ConfigFile::State state_of(const std::optional<system::FileStamp>& written) {
    return {{}, written && written->is_precise() ? written : std::nullopt};
}

} // namespace

CommandResult<ConfigFile::Content> ConfigFile::load() const { return read(Compared::no); }

CommandResult<ConfigFile::Content> ConfigFile::load_to_keep() const { return read(Compared::with_encoded); }

CommandResult<ConfigFile::Content> ConfigFile::read(Compared compared) const {
    auto stamp = system::stamp_of(path_); // before the text: if that is newer, the stamp just tells nothing
    if (stamp && !stamp->is_settled(system::now().wall)) stamp.reset();
    auto text = system::read_private_file(path_);
    if (!text) return refused_file(text.error());
    system::require_memory(ByteCount{text->size() * memory_per_byte});
    auto config = config::decode_server(*text, path_, read_key);
    State state{crypto::hash({bytes_of(*text)}), stamp};
    if (config && compared == Compared::with_encoded && is_encoded(*text, *config)) state.digest.reset();
    wipe_text(*text);
    if (!config) return refused(config.error());
    return Content{std::move(*config), state};
}

CommandResult<bool> ConfigFile::is_still(const State& state, const config::ServerConfig& config) const {
    if (state.stamp && system::stamp_of(path_) == state.stamp) return true;
    auto text = system::read_private_file(path_);
    if (!text) return refused_file(text.error());
    const bool same = state.digest ? crypto::hash({bytes_of(*text)}) == *state.digest : is_encoded(*text, config);
    wipe_text(*text);
    return same;
}

CommandResult<ConfigFile::State> ConfigFile::save(const config::ServerConfig& config) const {
    std::string text = config::encode(config);
    const auto stamp = system::write_stamped_file(path_, text, mode);
    wipe_text(text);
    if (!stamp) return refused_file(stamp.error());
    return state_of(*stamp);
}

CommandResult<ConfigFile::State> ConfigFile::save_one_more(const config::ServerConfig& config, const State& before) const {
    const bool is_ours = !before.digest && before.stamp;
    if (!is_ours || config.peers.size() < 2) return save(config);
    config::Ending ending = config::encode_last_peer(config);
    const auto stamp = system::write_new_ending(path_, *before.stamp, ending.dropped, ending.text, mode);
    wipe_text(ending.text);
    if (!stamp) return refused_file(stamp.error());
    if (*stamp) return state_of(*stamp);
    if (system::stamp_of(path_) == before.stamp) return save(config); // the kernel can't copy it
    return refused(ExitCode::failure, path_ + " changed on disk just now: run `vpn-server reload` first");
}

Result<EditLock> EditLock::take(const std::string& config_file) {
    // The directory stands for the file, which a rename replaces.
    const std::string directory = directory_of(config_file);
    system::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return system::os_failed("cannot lock " + directory, errno);
    while (::flock(fd.get(), LOCK_EX) != 0)
        if (errno != EINTR) return system::os_failed("cannot lock " + directory, errno);
    return EditLock(std::move(fd));
}

} // namespace vpn::server
