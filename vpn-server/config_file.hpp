// The server's file on disk: read, written whole, and told from what somebody else made of it meanwhile.
// Refuses to know: what is in it, and who may write it when.
#pragma once

#include "common/config/server_config.hpp"
#include "common/crypto/blake2s.hpp"
#include "common/system/file_stamp.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-server/command_error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace vpn::server {

class ConfigFile {
  public:
    /// What the file held.
    struct State {
        std::optional<crypto::Hash> digest;     ///< of a text that somebody else may have written; none: the text is `encode`'s
        std::optional<system::FileStamp> stamp; ///< as long as the file has it, it holds the same; none: only reading tells
    };
    struct Content {
        config::ServerConfig config;
        State state;
    };

    explicit ConfigFile(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] const std::string& path() const { return path_; }

    /// Errors: no_permission; bad_configuration, with the line where there is one.
    [[nodiscard]] CommandResult<Content> load() const;
    /// The same for who will add peers to it: also finds out whether the text is `encode`'s, which takes half as long again.
    [[nodiscard]] CommandResult<Content> load_to_keep() const;
    /// The same text is there now; `config` is what it said.
    [[nodiscard]] CommandResult<bool> is_still(const State& state, const config::ServerConfig& config) const;
    /// Mode 0600, whole or not at all.
    CommandResult<State> save(const config::ServerConfig& config) const;
    /// The same of one that was there as `before` until its last peer came: the file ends otherwise, and is copied for the rest.
    /// Errors: the file is another by now.
    CommandResult<State> save_one_more(const config::ServerConfig& config, const State& before) const;

  private:
    enum class Compared : std::uint8_t { no, with_encoded };
    [[nodiscard]] CommandResult<Content> read(Compared compared) const;

    std::string path_;
};

/// Held by whoever changes a server's file while no daemon does, and by a daemon while it starts: nobody's change is lost.
class EditLock {
  public:
    /// Waits for others. Errors: the file's directory can't be locked.
    static Result<EditLock> take(const std::string& config_file);
    /// Lets others in before this goes.
    void release() { directory_.reset(); }

  private:
    explicit EditLock(system::UniqueFd directory) : directory_(std::move(directory)) {}

    system::UniqueFd directory_;
};

} // namespace vpn::server
