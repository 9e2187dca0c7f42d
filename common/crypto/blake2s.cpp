#include "common/crypto/blake2s.hpp"

#include "common/crypto/blake2s_stream.hpp"

namespace vpn::crypto {

Hash hash(std::initializer_list<Bytes> parts) {
    Hash digest{};
    Blake2sStream(digest.size()).add(parts).finish(digest);
    return digest;
}

Mac keyed_mac(Bytes key, std::initializer_list<Bytes> parts) {
    Mac mac{};
    Blake2sStream(mac.size(), key).add(parts).finish(mac);
    return mac;
}

} // namespace vpn::crypto
