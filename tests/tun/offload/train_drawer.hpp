// Draws trains of packets: several flows at once, mostly mergeable, with everything in between that forbids it. A die that always
// shows zero draws a clean train.
#pragma once

#include "tests/tun/offload/train.hpp"

#include <algorithm>
#include <array>

namespace vpn::test {

/// `Dice` has below(bound): 0 to bound - 1.
template <class Dice> class TrainDrawer {
  public:
    explicit TrainDrawer(Dice& dice, std::size_t longest_payload = 20000) : dice_(dice), longest_payload_(longest_payload) {
        const std::size_t flows = 1 + below(6);
        for (std::size_t i = 0; i < flows; ++i) flows_.push_back(new_flow());
    }

    Train draw(std::size_t packets) {
        Train train;
        while (train.size() < packets) {
            train.push_back(next());
            if (train.size() > 1 && below(40) == 1) std::swap(train.back(), train[train.size() - 2]);
        }
        return train;
    }

  private:
    struct Flow {
        Packet headers;
        std::size_t segment;
        bool fixed_id;
    };

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(dice_.below(bound)); }
    template <class T> T any() { return static_cast<T>(below(std::size_t{1} << (8 * sizeof(T)))); }
    ByteVector words() { return ByteVector(4 * below(11), static_cast<std::byte>(below(256))); }

    Flow new_flow() {
        Packet p;
        p.v6 = below(2) == 1;
        p.tcp = below(2) == 0;
        p.source = static_cast<std::uint8_t>(1 + below(2));
        p.source_port = static_cast<std::uint16_t>(1000 + below(3));
        p.id = any<std::uint16_t>();
        p.fragment_bits = !p.v6 && below(3) == 1 ? 0 : dont_fragment;
        p.sequence = below(2) == 0 ? 0xffffff00U : any<std::uint32_t>();
        if (p.tcp && below(2) == 1) p.tcp_options = words();
        if (!p.v6 && below(8) == 1) p.ip_options = words();
        const std::array<std::size_t, 8> sizes{1400, 1, 100, 2, 1448, 536, 8900, 20000};
        return {p, std::min(longest_payload_, sizes[below(sizes.size())]), below(4) == 1};
    }

    Sent next() {
        Flow& flow = flows_[below(flows_.size())];
        std::size_t size = flow.segment;
        const std::size_t event = below(70);
        if (event == 1) size = below(flow.segment);
        if (event == 2) size = flow.segment + 1 + below(5);
        if (event == 3) size = 0;
        if (event == 4) flow.headers.sequence += static_cast<std::uint32_t>(1 + below(3000)); // lost
        if (event == 5) flow.headers.sequence -= static_cast<std::uint32_t>(flow.segment);    // once more
        if (event >= 6 && event < 14) change_for_good(flow.headers, event);
        Sent sent{flow.headers, Damage::none};
        if (event >= 14) change_once(sent, event);
        sent.packet.payload.resize(size);
        for (std::byte& each : sent.packet.payload) each = static_cast<std::byte>(fill_ += 7);
        flow.headers.sequence += static_cast<std::uint32_t>(size);
        if (!flow.fixed_id) ++flow.headers.id;
        return sent;
    }

    void change_for_good(Packet& p, std::size_t event) {
        if (event == 6 && p.tcp) p.acknowledgement += static_cast<std::uint32_t>(1 + below(3000));
        if (event == 7 && p.tcp) p.window = any<std::uint16_t>();
        if (event == 8) p.traffic_class = any<std::uint8_t>();
        if (event == 9) p.hop_limit = any<std::uint8_t>();
        if (event == 10 && p.tcp) p.tcp_options = words();
        if (event == 11 && !p.v6) p.ip_options = words();
        if (event == 12 && p.v6) p.flow_label = any<std::uint16_t>();
        if (event == 13) p.id = any<std::uint16_t>();
    }

    void change_once(Sent& sent, std::size_t event) {
        Packet& p = sent.packet;
        if (event >= 14 && event < 18 && p.tcp) p.flags |= psh;
        if (event == 18 && p.tcp) p.flags = any<std::uint8_t>();
        if (event == 19 && p.tcp) p.reserved = static_cast<std::uint8_t>(below(16));
        if (event == 20 && p.tcp) p.urgent = any<std::uint16_t>();
        if (event == 21 && !p.v6) p.fragment_bits ^= static_cast<std::uint16_t>(below(2) == 0 ? dont_fragment : 0x8000);
        if (event == 22 && !p.v6) p.fragment_bits |= static_cast<std::uint16_t>(1 + below(0x3fff));
        if (event == 23) sent.damage = Damage::transport_checksum;
        if (event == 24 && !p.v6) sent.damage = Damage::header_checksum;
        if (event == 25 && !p.tcp) sent.damage = Damage::no_checksum;
        if (event == 26) p.hop_limit = any<std::uint8_t>();
        if (event == 27) p.traffic_class = static_cast<std::uint8_t>(p.traffic_class ^ 3U); // congestion experienced, say
    }

    Dice& dice_;
    std::size_t longest_payload_;
    std::vector<Flow> flows_;
    std::uint8_t fill_ = 0;
};

} // namespace vpn::test
