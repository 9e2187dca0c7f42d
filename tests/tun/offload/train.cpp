#include "tests/tun/offload/train.hpp"

#include "tests/tun/offload/super_packet.hpp"

#include <tuple>

namespace vpn::test {
namespace {

using offload::Coalescer;
using offload::VnetHeader;
using Runs = std::vector<std::vector<std::size_t>>;

constexpr std::size_t longest = 65535;
constexpr std::size_t most_datagrams = 64; ///< Linux's UDP_MAX_SEGMENTS of old
constexpr std::size_t most_packets = 1023; ///< UIO_MAXIOV less the header before them
constexpr std::size_t runs_looked_at = 16;

auto ends(const Packet& p) { return std::tuple(p.v6, p.source, p.destination); }
auto flow(const Packet& p) { return std::tuple(ends(p), p.tcp, p.source_port, p.destination_port); }

/// A fragment: which flow it is of cannot be seen in all of them.
bool hidden(const Packet& p) { return !p.v6 && (p.fragment_bits & 0x3fffU) != 0; }

/// True if one of them must not overtake the other.
bool ordered(const Packet& a, const Packet& b) { return ends(a) == ends(b) && (hidden(a) || hidden(b) || flow(a) == flow(b)); }

/// All that a super-packet has only once, but for the id.
auto common_headers(const Packet& p) {
    return std::tie(p.traffic_class, p.hop_limit, p.flow_label, p.fragment_bits, p.ip_options, p.acknowledgement, p.reserved,
                    p.window, p.urgent, p.tcp_options);
}

bool can_be_merged(const Sent& sent, Coalescer::Features features) {
    const Packet& p = sent.packet;
    if (sent.damage != Damage::none || hidden(p) || p.payload.empty()) return false;
    return p.tcp ? features.tcp && (p.flags == ack || p.flags == (ack | psh)) : features.udp;
}

/// `run` is of one flow, `next` is the flow's next packet.
bool continues(const Train& train, const std::vector<std::size_t>& run, const Packet& next) {
    const Packet& first = train[run.front()].packet;
    const Packet& previous = train[run.back()].packet;
    std::size_t payload = 0;
    for (const std::size_t i : run) payload += train[i].packet.payload.size();
    if (common_headers(first) != common_headers(next)) return false;
    const bool needs_id = !next.v6 && (next.fragment_bits & dont_fragment) == 0;
    if (needs_id && next.id != static_cast<std::uint16_t>(first.id + run.size())) return false;
    if (previous.payload.size() != first.payload.size() || next.payload.size() > first.payload.size()) return false;
    if (payload_at(first) + payload + next.payload.size() > longest) return false;
    if (!next.tcp) return run.size() < most_datagrams;
    return run.size() < most_packets && (previous.flags & psh) == 0 &&
           next.sequence == static_cast<std::uint32_t>(first.sequence + payload);
}

/// What the runs become in one write.
Packet whole(const Train& train, const std::vector<std::size_t>& run) {
    Packet packet = train[run.front()].packet;
    packet.flags |= train[run.back()].packet.flags;
    packet.payload.clear();
    for (const std::size_t i : run) {
        const ByteVector& more = train[i].packet.payload;
        packet.payload.insert(packet.payload.end(), more.begin(), more.end());
    }
    return packet;
}

std::string complaint_about_order(const Train& train, const Runs& runs) {
    std::vector<std::size_t> order;
    for (const auto& run : runs) order.insert(order.end(), run.begin(), run.end());
    for (std::size_t a = 0; a < order.size(); ++a)
        for (std::size_t b = a + 1; b < order.size(); ++b)
            if (order[a] > order[b] && ordered(train[order[a]].packet, train[order[b]].packet))
                return "packet " + std::to_string(order[a]) + " overtook " + std::to_string(order[b]) + " of its flow";
    return "";
}

std::string complaint_about(const Train& train, const std::vector<std::size_t>& run, const Written& written) {
    std::vector<ByteVector> originals;
    std::vector<ByteVector> expected; // a packet that must not be fragmented needs no id of its own (RFC 6864)
    for (const std::size_t i : run) {
        originals.push_back(train[i].bytes());
        Sent sent = train[i];
        sent.packet.id = static_cast<std::uint16_t>(train[run.front()].packet.id + expected.size());
        expected.push_back(sent.bytes());
    }
    if (written.packets != run.size()) return "has " + std::to_string(written.packets) + " packets";
    if (written.replayed != originals) return "is not replayed as it came";
    if (run.size() == 1) {
        if (written.bytes != originals[0]) return "was alone and was changed";
        return written.header == VnetHeader{} ? "" : "was alone and has a header";
    }
    const Packet merged = whole(train, run);
    if (written.header != header_of(merged, train[run.front()].packet.payload.size())) return "has a wrong header";
    if (written.bytes != unfinished(merged)) return "has wrong bytes";
    if (split(written.header, written.bytes, std::byte{0xa5}) != expected) return "does not come apart into what it was made of";
    return "";
}

} // namespace

ByteVector Sent::bytes() const {
    ByteVector bytes = build(packet);
    if (damage == Damage::transport_checksum) bytes[checksum_at(packet)] ^= std::byte{0x40};
    if (damage == Damage::header_checksum && !packet.v6) bytes[10] ^= std::byte{0x40};
    if (damage == Damage::no_checksum) store_be(bytes.data() + checksum_at(packet), std::uint16_t{0});
    return bytes;
}

std::vector<Written> coalesce(const std::vector<ByteVector>& batch, Coalescer::Features features) {
    std::vector<ByteVector> memory = batch;
    Coalescer coalescer(features);
    for (ByteVector& packet : memory) coalescer.add(packet);
    coalescer.finish();
    std::vector<Written> all;
    for (std::size_t run = 0; run < coalescer.size(); ++run) {
        Written& written = all.emplace_back(Written{coalescer.header(run), {}, coalescer.packets(run), {}});
        coalescer.for_each_part(run, [&](Bytes part) { written.bytes.insert(written.bytes.end(), part.begin(), part.end()); });
    }
    for (std::size_t run = 0; run < all.size(); ++run)
        coalescer.for_each_packet(run, [&](Bytes packet) { all[run].replayed.emplace_back(packet.begin(), packet.end()); });
    return all;
}

Runs plain_runs(const Train& train, Coalescer::Features features) {
    Runs runs;
    std::vector<std::size_t> run_of(train.size());
    for (std::size_t i = 0; i < train.size(); ++i) {
        const Packet& packet = train[i].packet;
        std::size_t before = i;
        while (before > 0 && !ordered(train[before - 1].packet, packet)) --before;
        const bool near = before > 0 && run_of[before - 1] + runs_looked_at >= runs.size();
        if (near && can_be_merged(train[i], features)) {
            auto& run = runs[run_of[before - 1]];
            const bool mergeable = can_be_merged(train[run.back()], features);
            if (mergeable && flow(train[run.back()].packet) == flow(packet) && continues(train, run, packet)) {
                run_of[i] = run_of[before - 1];
                run.push_back(i);
                continue;
            }
        }
        run_of[i] = runs.size();
        runs.push_back({i});
    }
    return runs;
}

std::string complaint(const Train& train, Coalescer::Features features) {
    std::vector<ByteVector> batch;
    for (const Sent& sent : train) batch.push_back(sent.bytes());
    const auto written = coalesce(batch, features);
    const auto runs = plain_runs(train, features);
    if (written.size() != runs.size())
        return std::to_string(written.size()) + " writes in place of " + std::to_string(runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const std::string about = complaint_about(train, runs[i], written[i]);
        if (!about.empty()) return "write " + std::to_string(i) + ", from packet " + std::to_string(runs[i][0]) + ", " + about;
    }
    return complaint_about_order(train, runs);
}

} // namespace vpn::test
