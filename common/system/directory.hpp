// What is in a directory, without an exception when it changes or ends meanwhile. Refuses to know: what is in the files.
#pragma once

#include <filesystem>
#include <vector>

namespace vpn::system {

/// Everything in `directory`, in no order; as much as could be read, which is nothing where there is no such directory.
std::vector<std::filesystem::path> paths_in(const std::filesystem::path& directory);

} // namespace vpn::system
