#include "common/system/directory.hpp"

#include <system_error>

namespace vpn::system {

std::vector<std::filesystem::path> paths_in(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
        paths.push_back(it->path());
    return paths;
}

} // namespace vpn::system
