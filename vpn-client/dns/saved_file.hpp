// What stands at a path - a file, a symbolic link, or nothing -, so that exactly that can be put there again.
// Refuses to know: what is in it.
#pragma once

#include "common/base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace vpn::client {

struct SavedFile {
    enum class Kind : std::uint8_t { nothing, link, file };
    Kind kind = Kind::nothing;
    /// Of a file; where a link leads, as it says itself.
    std::string content;
    /// Of a file.
    mode_t mode = 0;
    uid_t owner = 0;
    gid_t group = 0;

    friend bool operator==(const SavedFile&, const SavedFile&) = default;
};

/// Errors: a directory or a device, too large, or not to be read.
Result<SavedFile> save_file(const std::string& path);

/// Puts it there, whole or not at all, whatever is there now. Only where nothing can take its place (a file that is itself a
/// mount point) is it written over.
Result<void> put_file(const std::string& path, const SavedFile& saved);

/// Removes what a put_file that was killed has left beside it.
void remove_unfinished(const std::string& path);

} // namespace vpn::client
