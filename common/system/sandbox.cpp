#include "common/system/sandbox.hpp"

namespace vpn::system {

std::vector<std::string> shut_in(std::initializer_list<Capability> kept, const FileAccess& files, const SyscallNeeds& calls) {
    std::vector<std::string> not_done;
    if (auto why = keep_only(kept)) not_done.push_back(std::move(*why)); // and no new privileges, which the others ask for
    if (auto why = allow_files(files)) not_done.push_back(std::move(*why));
    if (auto why = allow_system_calls(calls)) not_done.push_back(std::move(*why)); // after which the others are forbidden
    return not_done;
}

} // namespace vpn::system
