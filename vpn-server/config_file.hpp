// The server's file on disk: read, written whole, and told from what somebody else made of it meanwhile.
// Refuses to know: what is in it, and who may write it when.
#pragma once

#include "common/config/server_config.hpp"
#include "common/crypto/blake2s.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-server/command_error.hpp"

#include <string>

namespace vpn::server {

class ConfigFile {
  public:
    struct Content {
        config::ServerConfig config;
        /// Of the text.
        crypto::Hash digest;
    };

    explicit ConfigFile(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] const std::string& path() const { return path_; }

    /// Errors: no_permission; bad_configuration, with the line where there is one.
    [[nodiscard]] CommandResult<Content> load() const;
    /// Of the text that is there now.
    [[nodiscard]] CommandResult<crypto::Hash> digest() const;
    /// Mode 0600, whole or not at all. Returns the new text's digest.
    CommandResult<crypto::Hash> save(const config::ServerConfig& config) const;

  private:
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
