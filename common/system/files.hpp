// Files that hold keys or state: read only if nobody else could have read or changed them, written whole or not at all.
// Refuses to know: what is in them.
#pragma once

#include "common/base/result.hpp"
#include "common/base/strong.hpp"
#include "common/system/file_stamp.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vpn::system {

struct FileError : Failure {
    enum class Kind : std::uint8_t { missing, not_allowed, too_open, too_large, not_regular, other };
    Kind kind = Kind::other;
};

/// Nothing we read is longer: a server's file with 100,000 peers is about half of it.
inline constexpr ByteCount largest_file{64ULL << 20U};

/// The text of a file that only its owner may read or write; the owner is us, root, or the one who called us by sudo.
/// The file is judged through the descriptor it is read from. The caller wipes the text if it holds keys.
/// Errors: too_open names the mode found and the `chmod` that helps; not_regular for directories, pipes and devices, without
/// blocking.
Result<std::string, FileError> read_private_file(const std::string& path, ByteCount limit = largest_file);

/// The same, of a file that is root's: nobody else could have written what root is about to obey.
Result<std::string, FileError> read_root_file(const std::string& path, ByteCount limit = largest_file);

/// The text of a file that others may read, and that nobody else could have changed.
Result<std::string, FileError> read_public_file(const std::string& path, ByteCount limit = largest_file);

/// The text of any regular file.
Result<std::string, FileError> read_file(const std::string& path, ByteCount limit = largest_file);

/// Puts `text` at `path`, whole or not at all: an unfinished_file in its place, synced, renamed. Those that others left go.
/// A symbolic link at `path` is replaced, not followed. On error what was there is still there, and nothing else.
Result<void, FileError> write_file(const std::string& path, std::string_view text, unsigned mode);

/// write_file with mode 0600.
Result<void, FileError> write_private_file(const std::string& path, std::string_view text);
/// write_file, and the stamp of what was written, which is no other's that took its name meanwhile. No stamp: the kernel gave
/// none.
Result<std::optional<FileStamp>, FileError> write_stamped_file(const std::string& path, std::string_view text, unsigned mode);

/// write_stamped_file of what stands at `path`, but for its last `dropped` bytes, and `text` behind it: a large file that becomes
/// a little longer is copied by the kernel instead of being made anew. None, and nothing done, if what stands there has no longer
/// the stamp `present`, or the kernel can't copy it. Requires: as many bytes there.
Result<std::optional<FileStamp>, FileError> write_new_ending(const std::string& path, const FileStamp& present, ByteCount dropped,
                                                             std::string_view text, unsigned mode);

/// write_private_file, unless exactly this text is there already: state that is written often and changes rarely.
Result<void, FileError> write_state_file(const std::string& path, std::string_view text);

/// Removes a file; none there is fine.
Result<void, FileError> remove_file(const std::string& path);

/// Makes the directory (not its parents) with exactly `mode`, or takes the one that is there.
/// Errors: too_open if the one there belongs to neither us nor root, or others may write to it; not_regular if it is something
/// else.
Result<void, FileError> ensure_directory(const std::string& path, unsigned mode);

} // namespace vpn::system
