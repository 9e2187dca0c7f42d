#include "common/crypto/tai64n.hpp"

namespace vpn::crypto {
namespace {

constexpr std::uint64_t epoch_of_1970 = (std::uint64_t{1} << 62U) + 10;
constexpr std::uint32_t granularity = std::uint32_t{1} << 24U;
constexpr std::uint32_t nanoseconds_per_second = 1'000'000'000;

Tai64n encoded(std::uint64_t label, std::uint32_t nanoseconds) {
    Tai64n result;
    store_be(result.bytes.data(), label);
    store_be(result.bytes.data() + 8, nanoseconds - nanoseconds % granularity);
    return result;
}

} // namespace

Tai64n Tai64n::from(Wall wall) {
    const auto since_1970 = wall.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    return encoded(epoch_of_1970 + static_cast<std::uint64_t>(seconds.count()),
                   static_cast<std::uint32_t>((since_1970 - seconds).count()));
}

Tai64n Tai64n::next() const {
    const auto label = load_be<std::uint64_t>(bytes.data());
    const auto later = load_be<std::uint32_t>(bytes.data() + 8) + std::uint64_t{granularity};
    if (later >= nanoseconds_per_second) return encoded(label + 1, 0);
    return encoded(label, static_cast<std::uint32_t>(later));
}

} // namespace vpn::crypto
