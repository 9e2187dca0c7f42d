// vpn-keys: makes keys at the prompt.
#include "common/crypto/system_random.hpp"
#include "common/crypto/x25519.hpp"
#include "common/system/process.hpp"
#include "keys/cli.hpp"
#include "keys/key_stream.hpp"

#include <unistd.h>

#include <exception>
#include <iostream>

namespace {

using namespace vpn;
using system::ExitCode;

Result<void> print_secret(std::span<const std::byte, crypto::key_size> key) {
    if (keys::is_open_to_the_world(STDOUT_FILENO)) {
        std::cerr << "vpn-keys: warning: this file can be used by everyone: set the umask to 077 and make a new key\n";
    }
    return keys::write_key_to(STDOUT_FILENO, key);
}

Result<void> print_public_key() {
    const auto key = keys::read_private_key_from(STDIN_FILENO);
    if (!key) return tl::unexpected(key.error());
    return keys::write_key_to(STDOUT_FILENO, crypto::public_key_of(*key).bytes);
}

Result<void> carry_out(keys::Command command, Random& random) {
    switch (command) {
    case keys::Command::genkey: return print_secret(crypto::generate_private_key(random).view());
    case keys::Command::pubkey: return print_public_key();
    case keys::Command::genpsk: return print_secret(crypto::generate_preshared_key(random).view());
    }
    return {};
}

ExitCode run(int argc, const char* const* argv) {
    const auto command = keys::parse_command_line(argc, argv);
    if (!command) return command.error();
    // What can't be protected here is on its way to a terminal or a file anyway.
    static_cast<void>(system::protect_memory());
    crypto::SystemRandom random;
    if (const auto done = carry_out(*command, random); !done) {
        std::cerr << "vpn-keys: " << done.error().message << '\n';
        return ExitCode::failure;
    }
    return ExitCode::ok;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return system::to_int(run(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << "vpn-keys: " << error.what() << '\n';
        return system::to_int(ExitCode::failure);
    }
}
