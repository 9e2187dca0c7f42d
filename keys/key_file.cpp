#include "keys/key_file.hpp"

#include "keys/key_text.hpp"

namespace vpn::keys {
namespace {

/// Enough for a key and some blank lines: whatever is longer is something else.
constexpr ByteCount largest_key_file{4096};

KeyFileError of_file(system::FileError&& error) { return {{std::move(error.message)}, error.kind}; }

template <class Key> Result<Key, KeyFileError> read_key(const std::string& path) {
    auto text = system::read_private_file(path, largest_key_file).map_error(of_file);
    if (!text) return tl::unexpected(std::move(text.error()));
    auto key = parse_key_line<Key>(*text);
    wipe(std::as_writable_bytes(std::span(text->data(), text->size())));
    if (!key)
        return tl::unexpected(KeyFileError{{path + " does not hold a key: expected one line of 44 characters of base64"}, {}});
    return std::move(*key);
}

template <class Key> Result<void, KeyFileError> write_key(const std::string& path, const Key& key) {
    return system::write_private_file(path, KeyLine(key.view()).text()).map_error(of_file);
}

} // namespace

Result<crypto::PrivateKey, KeyFileError> read_private_key(const std::string& path) { return read_key<crypto::PrivateKey>(path); }
Result<crypto::PresharedKey, KeyFileError> read_preshared_key(const std::string& path) {
    return read_key<crypto::PresharedKey>(path);
}

Result<void, KeyFileError> write_private_key(const std::string& path, const crypto::PrivateKey& key) {
    return write_key(path, key);
}
Result<void, KeyFileError> write_preshared_key(const std::string& path, const crypto::PresharedKey& key) {
    return write_key(path, key);
}

} // namespace vpn::keys
