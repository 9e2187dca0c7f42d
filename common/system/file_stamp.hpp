// Whether a file is still as it was, without reading it: by what the kernel notes of every write and every rename.
// Refuses to know: what is in it.
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace vpn::system {

/// Two equal ones may yet stand for two texts, if both were written within one tick of the kernel's clock: see below.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    Wall modified;
    /// When anything about it changed, its name and its mode too. Nobody can set this.
    Wall changed;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;

    /// Whoever writes the file from `now` on leaves another stamp than this: the last change is long over.
    [[nodiscard]] bool is_settled(Wall now) const;
    /// The same of a file that write_file has just written, if the file system keeps the instant that this dates it to: no tick
    /// falls on it.
    [[nodiscard]] bool is_precise() const;
};

/// Of an open file.
std::optional<FileStamp> stamp_of(int fd);
/// None: there is no such file, or nobody may look.
std::optional<FileStamp> stamp_of(const std::string& path);

} // namespace vpn::system
