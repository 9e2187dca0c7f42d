#include "common/crypto/kdf.hpp"

#include "common/crypto/blake2s_stream.hpp"

namespace vpn::crypto {
namespace {

constexpr std::size_t block_size = 64;

using Block = Secret<block_size>;

/// The key as one block (RFC 2104): hashed if it is longer, then filled up with zeros.
Block block_of(Bytes key) {
    Block block;
    const MutableBytes bytes = block.mutable_view();
    if (key.size() > block_size) {
        Blake2sStream(DerivedKey::size).add(key).finish(bytes.first(DerivedKey::size));
    } else {
        copy(key, bytes);
    }
    return block;
}

void mask(Block& block, std::byte pad) {
    for (std::byte& byte : block.mutable_view()) byte ^= pad;
}

} // namespace

DerivedKey hmac(Bytes key, std::initializer_list<Bytes> parts) {
    constexpr std::byte inner_pad{0x36};
    constexpr std::byte outer_pad{0x5c};
    Block block = block_of(key);

    DerivedKey inner;
    mask(block, inner_pad);
    Blake2sStream(DerivedKey::size).add(block.view()).add(parts).finish(inner.mutable_view());

    DerivedKey outer;
    mask(block, inner_pad ^ outer_pad);
    Blake2sStream(DerivedKey::size).add(block.view()).add(inner.view()).finish(outer.mutable_view());
    return outer;
}

template <std::size_t N> std::array<DerivedKey, N> kdf(const DerivedKey& chain, Bytes input) {
    const DerivedKey extracted = hmac(chain.view(), {input});
    std::array<DerivedKey, N> outputs;
    Bytes previous;
    for (std::size_t i = 0; i < N; ++i) {
        const ByteArray<1> number{static_cast<std::byte>(i + 1)};
        outputs[i] = hmac(extracted.view(), {previous, number});
        previous = outputs[i].view();
    }
    return outputs;
}
template std::array<DerivedKey, 1> kdf<1>(const DerivedKey&, Bytes);
template std::array<DerivedKey, 2> kdf<2>(const DerivedKey&, Bytes);
template std::array<DerivedKey, 3> kdf<3>(const DerivedKey&, Bytes);

} // namespace vpn::crypto
