#include "vpn-client/card.hpp"

#include "common/base/secret.hpp"
#include "common/config/card.hpp"
#include "common/crypto/system_random.hpp"
#include "common/crypto/x25519.hpp"
#include "common/system/files.hpp"
#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/new_file.hpp"

#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text))); }

Granted<crypto::PrivateKey> new_key(const ConnectionName& name) {
    if (auto made = make_connection_directory(); !made) return tl::unexpected(made.error());
    crypto::SystemRandom random;
    crypto::PrivateKey key = crypto::generate_private_key(random);
    std::string text = config::encode_waiting_key(key);
    auto written = write_new(name.path, text);
    wipe_text(text);
    if (!written) return tl::unexpected(written.error());
    return key;
}

/// The one that waits there; a new one if nothing is there.
Granted<crypto::PrivateKey> key_of(const ConnectionName& name) {
    auto text = system::read_private_file(name.path);
    if (!text && text.error().kind == system::FileError::Kind::missing) return new_key(name);
    if (!text) return refuse(code_of(text.error()), text.error().message);
    auto key = config::decode_waiting_key(*text, name.path);
    wipe_text(*text);
    if (!key)
        return refuse(ExitCode::failure,
                      name.path + " is there already, and is no key that waits for a server: choose another name");
    return std::move(*key);
}

Granted<void> carry_out(const CardCommand& command) {
    const auto name = parse_connection_name(command.name);
    if (!name) return tl::unexpected(name.error());
    const auto key = key_of(*name);
    if (!key) return tl::unexpected(key.error());
    if (!(std::cout << config::encode(config::Card{name->name, crypto::public_key_of(*key)}) << std::flush))
        return refuse(ExitCode::failure, "cannot write to stdout");
    std::cerr << "vpn-client: the key stays in " << config::printable(name->path, 4096) << "; next, with what is printed above:\n"
              << "  on the server: vpn-server peer add --card " << name->name << ".card.json --output " << name->name << ".json\n"
              << "  here, with the answer: vpn-client import " << name->name << ".json\n";
    return {};
}

} // namespace

ExitCode card(const CardCommand& command) {
    static_cast<void>(system::protect_memory());
    const auto done = carry_out(command);
    return done ? ExitCode::ok : complain(done.error());
}

Granted<void> join_answer(config::ClientConfig answer, const ConnectionName& waiting) {
    auto text = system::read_private_file(waiting.path);
    if (!text)
        return refuse(code_of(text.error()), text.error().message +
                                                 ": the answer belongs to the key that `vpn-client card` made; if that has "
                                                 "another name, name its file by --output");
    auto key = config::decode_waiting_key(*text, waiting.path);
    wipe_text(*text);
    if (!key) return refuse(ExitCode::bad_configuration, waiting.path + " is no key that waits for an answer");
    if (crypto::public_key_of(*key) != answer.interface.public_key)
        return refuse(ExitCode::bad_configuration, "the answer is for another key than the one in " + waiting.path +
                                                       ": give the server this card: vpn-client card " + waiting.name);
    answer.interface.public_key.reset();
    answer.interface.private_key = std::move(*key);
    std::string joined = encode(answer);
    auto written = write_over(waiting.path, joined);
    wipe_text(joined);
    return written;
}

} // namespace vpn::client
