// Any train of packets: what was merged comes apart into what it was, nothing overtakes within a flow, and the plain rules agree.
// Any bytes at all: every packet comes out again as it went in, whether it is written in one piece or replayed.
#include "tests/fuzz/dice.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/tun/offload/train_drawer.hpp"

namespace {

using namespace vpn;

void coalesce_a_train(fuzz::Dice dice) {
    const offload::Coalescer::Features features{.tcp = dice.below(8) != 1, .udp = dice.below(8) != 1};
    const std::size_t packets = 1 + dice.below(100);
    fuzz::demand(test::complaint(test::TrainDrawer(dice, 1448).draw(packets), features).empty());
}

/// Each packet behind a byte that says how long it is.
std::vector<ByteVector> packets_in(Bytes data) {
    std::vector<ByteVector> batch;
    while (!data.empty()) {
        const std::size_t size = std::min(std::to_integer<std::size_t>(data[0]), data.size() - 1);
        batch.emplace_back(data.begin() + 1, data.begin() + 1 + static_cast<std::ptrdiff_t>(size));
        data = data.subspan(1 + size);
    }
    return batch;
}

void coalesce_anything(Bytes data) {
    const std::vector<ByteVector> batch = packets_in(data);
    std::vector<ByteVector> replayed;
    for (const test::Written& written : test::coalesce(batch)) {
        fuzz::demand(written.packets == written.replayed.size());
        fuzz::demand(written.packets > 1 || (written.bytes == written.replayed[0] && written.header == offload::VnetHeader{}));
        replayed.insert(replayed.end(), written.replayed.begin(), written.replayed.end());
    }
    fuzz::demand(std::is_permutation(replayed.begin(), replayed.end(), batch.begin(), batch.end()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes = std::as_bytes(std::span(data, size));
    coalesce_a_train(fuzz::Dice(bytes));
    coalesce_anything(bytes);
    return 0;
}
