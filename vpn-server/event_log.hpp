// What happens to peers, in lines for whoever runs the server: who came, who moved. Never a line a packet.
// Refuses to know: what is done about it.
#pragma once

#include "common/system/log.hpp"
#include "tun/engine.hpp"

#include <optional>
#include <string>
#include <unordered_map>

namespace vpn::server {

class EventLog {
  public:
    explicit EventLog(const system::Logger& log) : log_(log) {}

    /// `name` is the peer's in the file.
    void tell(protocol::EventKind kind, const std::string& name, const tun::PeerStatus& peer, Boot now);
    void forget(const crypto::PublicKey& key) {
        last_handshake_.erase(key);
        online_since_.erase(key);
        next_suite_line_.erase(key);
        next_refusal_line_.erase(key);
    }
    /// When the peer last came; none if it never did.
    [[nodiscard]] std::optional<Now> online_since(const crypto::PublicKey& key) const;

  private:
    void tell_handshake(const std::string& name, const tun::PeerStatus& peer, Boot now);
    void tell_refusal(const std::string& name, const tun::PeerStatus& peer, Boot now);
    void tell_clock(const std::string& name, Boot now);
    void tell_suite(const std::string& name, const crypto::PublicKey& key, Boot now);

    system::Logger log_;
    std::unordered_map<crypto::PublicKey, Boot> last_handshake_;
    std::unordered_map<crypto::PublicKey, Now> online_since_;
    std::unordered_map<crypto::PublicKey, Boot> next_suite_line_;
    std::unordered_map<crypto::PublicKey, Boot> next_refusal_line_;
    Boot next_clock_line_{};
};

} // namespace vpn::server
