// A device that knows one peer, of either suite, and a network that sends it whatever the fuzzer likes: bytes whose mac1 is
// right, so that they pass the door; initiations, responses and cookie replies written by the book, in the right suite and the
// other, and then bent; and time that passes in between. Demanded: only what is genuine is taken, and what is dropped has changed
// nothing.
#include "common/protocol/device.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/outbox.hpp"
#include "tests/support/paper.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"
#include "tests/support/virtual_clock.hpp"

namespace {

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;

/// The fuzzer's bytes, taken one after the other; zeros when they are used up.
class Tape {
  public:
    Tape(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
    bool ended() const { return left_.empty(); }
    std::uint8_t byte() {
        if (left_.empty()) return 0;
        const std::uint8_t value = left_.front();
        left_ = left_.subspan(1);
        return value;
    }
    template <class T> T number() {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8U | byte());
        return value;
    }
    void fill(MutableBytes out) {
        for (std::byte& each : out) each = std::byte{byte()};
    }

  private:
    std::span<const std::uint8_t> left_;
};

/// What may not change when something is dropped.
struct State {
    std::optional<Path> path;
    SessionPtr previous, current, next;
    crypto::Tai64n sent, received;
    std::optional<Boot> deadline;
    friend bool operator==(const State&, const State&) = default;
};

/// What is the same in every run.
struct Cast {
    crypto::PrivateKey ours = key(1);
    crypto::PrivateKey theirs = key(2);
    crypto::PrivateKey strangers = key(3);
    crypto::PublicKey our_name = crypto::public_key_of(ours);
    crypto::PublicKey their_name = crypto::public_key_of(theirs);
    paper::Bytes32 preshared = paper::bytes32(key(4).view());
    crypto::KemPublicKey kem_key = crypto::public_key_of(crypto::KemPrivateKey(SeededRandom(5).array<64>()));

    static crypto::PrivateKey key(std::uint64_t seed) {
        SeededRandom random(seed);
        return crypto::generate_private_key(random);
    }
};

class Stage {
  public:
    Stage(const Cast& cast, Tape& tape) : cast_(cast), tape_(tape), device_(cast.ours.clone(), random_) {
        const unsigned choice = tape.byte();
        PeerConfig config;
        config.suite = suite_ = choice % 2 == 0 ? Suite::wireguard : Suite::hybrid;
        if (choice % 4 >= 2) config.asks_other_suite_after = std::chrono::seconds(1);
        config.public_key = cast.their_name;
        config.preshared_key = crypto::PresharedKey(cast.preshared);
        config.endpoint = there();
        peer_ = *device_.set_peer(std::move(config), clock_.now(), out_);
    }

    void play() {
        while (!tape_.ended()) scene(tape_.byte() % 8);
    }

  private:
    void scene(unsigned kind) {
        switch (kind) {
        case 0: return send_anything();
        case 1: return send_initiation();
        case 2: return send_response();
        case 3: return send_cookie_reply();
        case 4: return clock_.advance(std::chrono::milliseconds(tape_.number<std::uint32_t>() % 600'000)), tick();
        case 5: return change([&] { device_.want_handshake(peer_, clock_.now(), out_); });
        case 6: return void(queue_ = {tape_.byte(), 255});
        default:
            return change([&] {
                const auto notice = static_cast<Notice>(tape_.byte() & 7U);
                const SessionPtr next = peer().keyring().next();
                if (has(notice, Notice::confirmed) && next) (void)next->confirm();
                device_.handle_notice(peer_, notice, clock_.now(), out_);
            });
        }
    }

    void send_anything() {
        const std::size_t choice = tape_.byte();
        ByteVector bytes(choice == 255 ? 1396 : choice == 254 ? 1228 : choice);
        tape_.fill(bytes);
        if (bytes.size() == 148 || bytes.size() == 92 || bytes.size() > 255) paper::write_mac1(bytes, cast_.our_name);
        fuzz::demand(!take(bytes));
    }

    void send_initiation() {
        const unsigned choice = tape_.byte();
        const bool known = choice % 4 != 0;
        const Suite suite = choice < 224 ? suite_ : other_than(suite_);
        const bool sane = choice % 32 < 28 || suite == Suite::wireguard;
        crypto::KemPublicKey none{};
        none.fill(std::byte{0xff});
        crypto::Tai64n timestamp =
            crypto::Tai64n::from(clock_.now().wall + std::chrono::nanoseconds(tape_.number<std::int32_t>()));
        const auto ephemeral = crypto::generate_private_key(random_);
        auto [bytes, state] =
            paper::write(paper::Initiation{tape_.number<std::uint32_t>(), ephemeral, known ? cast_.theirs : cast_.strangers,
                                           cast_.our_name, timestamp, suite, sane ? cast_.kem_key : none});
        const bool genuine = !bend(bytes, {4, 8}) && known && sane && suite == suite_;
        write_macs(bytes);
        const bool fresh = timestamp > peer().timestamps().received;
        if (take(bytes)) fuzz::demand(genuine && fresh);
    }

    void send_response() {
        if (initiation_.empty()) return;
        const Suite suite = type_of(initiation_) == 5 ? Suite::hybrid : Suite::wireguard; // the other, if it asks for that
        paper::Opened opened = paper::read_initiation(suite, initiation_, cast_.theirs);
        const auto answer = crypto::generate_private_key(random_);
        const auto receiver = load_le<std::uint32_t>(initiation_.data() + 4);
        ByteVector bytes = paper::write(paper::Response{tape_.number<std::uint32_t>(), receiver, answer, opened.ephemeral,
                                                        cast_.our_name, cast_.preshared, opened.kem_key, random_.array<32>()},
                                        opened.state);
        const bool genuine = !bend(bytes, {4, 8});
        write_macs(bytes);
        if (take(bytes)) fuzz::demand(genuine && suite == suite_);
    }

    void send_cookie_reply() {
        if (initiation_.empty()) return;
        const MacFields<const std::byte> macs{initiation_};
        const auto sender = load_le<std::uint32_t>(initiation_.data() + 4);
        ByteVector bytes(64);
        CookieMint().write_reply(MacKeys(cast_.their_name), macs, RemoteIndex{sender}, there(), clock_.boot(), random_, bytes);
        const bool genuine = !bend(bytes, {0, 0});
        if (take(bytes)) fuzz::demand(genuine);
    }

    void write_macs(ByteVector& bytes) {
        paper::write_mac1(bytes, cast_.our_name);
        if (cookie_ && tape_.byte() % 2 == 0) paper::write_mac2(bytes, *cookie_);
    }

    /// Changes some bytes. True if any that counts has become another: all but those of `free`, and the MACs at the end.
    bool bend(ByteVector& bytes, std::pair<std::size_t, std::size_t> free) {
        const ByteVector before = bytes;
        for (unsigned changes = tape_.byte() % 4; changes > 0; --changes)
            bytes[tape_.number<std::uint16_t>() % bytes.size()] ^= std::byte{tape_.byte()};
        const std::size_t counting = bytes.size() == 64 ? bytes.size() : bytes.size() - 32;
        for (std::size_t i = 0; i < counting; ++i)
            if (bytes[i] != before[i] && (i < free.first || i >= free.second)) return true;
        return false;
    }

    /// True if it was taken. Checks that nothing has changed if it was not.
    bool take(const ByteVector& bytes) {
        const Path from{tape_.byte() % 2 == 0 ? there() : *Endpoint::parse("[2001:db8::66]:6666"), {}};
        const State before = state();
        out_.clear();
        const auto taken = device_.handle_handshake(bytes, from, queue_, clock_.now(), out_);
        remember_initiation();
        if (taken) {
            for (const SendDatagram& each : actions_of<SendDatagram>(out_)) fuzz::demand(each.bytes.size() <= bytes.size());
            return true;
        }
        fuzz::demand(state() == before);
        const auto answers = actions_of<SendDatagram>(out_);
        fuzz::demand(answers.size() == out_.actions.size());
        const bool declined = taken.error() == Drop::wrong_suite && kind_of(bytes) == 1; // HYBRID.md 6
        fuzz::demand(answers.size() == (taken.error() == Drop::bad_mac2 || declined ? 1U : 0U));
        for (const SendDatagram& each : answers) {
            fuzz::demand(each.bytes.size() == 64 && each.path == from);
            read_cookie(each.bytes, MacFields<const std::byte>{bytes}.mac1());
        }
        return false;
    }

    void read_cookie(const ByteVector& reply, Bytes mac1) {
        const crypto::Hash key = crypto::hash({bytes_of("cookie--"), cast_.our_name.bytes});
        crypto::XNonce nonce{};
        copy(Bytes(reply).subspan(8, 24), nonce);
        fuzz::demand(crypto::open_x(key, nonce, Bytes(reply).subspan(32), mac1, cookie_.emplace()));
    }

    void tick() {
        change([&] { device_.handle_time(clock_.now(), out_); });
        const auto deadline = device_.next_deadline();
        fuzz::demand(!deadline || *deadline > clock_.boot());
    }
    template <class Change> void change(Change what) {
        out_.clear();
        what();
        fuzz::demand(count_of<SendDatagram>(out_) <= 1 + 2); // one of its own suite, and a question to each endpoint there is
        remember_initiation();
    }
    void remember_initiation() {
        for (SendDatagram& each : actions_of<SendDatagram>(out_))
            if (kind_of(each.bytes) == 1) initiation_ = std::move(each.bytes);
    }
    static Endpoint there() { return *Endpoint::parse("192.0.2.2:2222"); }
    const Peer& peer() const { return *device_.peer(peer_); }
    State state() const {
        const Keyring& ring = peer().keyring();
        const Timestamps stamps = peer().timestamps();
        return {peer().path(), ring.previous(), ring.current(),         ring.next(),
                stamps.sent,   stamps.received, device_.next_deadline()};
    }

    const Cast& cast_;
    Tape& tape_;
    SeededRandom random_{7};
    VirtualClock clock_;
    Device device_;
    PeerId peer_;
    Suite suite_{};
    QueueFill queue_;
    Outbox out_;
    ByteVector initiation_;               ///< the last one that the device sent
    std::optional<ByteArray<16>> cookie_; ///< the last one that it gave
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Cast cast;
    Tape tape(data, size);
    Stage(cast, tape).play();
    return 0;
}
