#include "vpn-client/new_file.hpp"

#include "common/config/error.hpp"
#include "vpn-client/connection_name.hpp"

#include <filesystem>

namespace vpn::client {
namespace {

constexpr unsigned for_its_owner = 0700;

} // namespace

system::ExitCode code_of(const system::FileError& error) {
    using system::ExitCode;
    return error.kind == system::FileError::Kind::not_allowed ? ExitCode::no_permission : ExitCode::failure;
}

Granted<void> check_new(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) return {};
    return refuse(system::ExitCode::failure,
                  config::printable(path, 4096) + " is there already: remove it, or choose another --output");
}

Granted<void> write_new(const std::string& path, std::string_view text) {
    if (auto fresh = check_new(path); !fresh) return fresh;
    return write_over(path, text);
}

Granted<void> write_over(const std::string& path, std::string_view text) {
    if (auto written = system::write_private_file(path, text); !written)
        return refuse(code_of(written.error()), written.error().message);
    return {};
}

Granted<void> make_connection_directory() {
    if (auto made = system::ensure_directory(std::string(connection_directory), for_its_owner); !made)
        return refuse(code_of(made.error()), made.error().message);
    return {};
}

} // namespace vpn::client
