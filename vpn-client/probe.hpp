// Asks somebody inside the tunnel until he answers: ICMP echo, or a question to a name server. Refuses to know: the tunnel, how
// sockets lead there and no other way, and what silence means.
#pragma once

#include "common/base/result.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/inside_sockets.hpp"
#include "vpn-client/watch.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace vpn::client {

class Probe {
  public:
    /// Asks at once and again, ever more slowly, until this goes. `answered` is called once, when all have answered who have to.
    /// The second question goes out after `first_wait`. Requires: `sockets` outlive this, and nobody else uses them meanwhile.
    /// Errors: no target can be asked at all.
    static Result<Probe> start(boost::asio::io_context& loop, const InsideSockets& sockets, const ProbeTargets& targets,
                               std::function<void()> answered, Duration first_wait = std::chrono::milliseconds(200));
    Probe(Probe&&) noexcept;
    Probe& operator=(Probe&&) noexcept;
    ~Probe();

    /// How often each was asked, and how long after the last question the first of them answered.
    [[nodiscard]] unsigned questions() const;
    [[nodiscard]] Duration round_trip() const;
    /// Those who have answered, and those who have not, in words; for diagnosis.
    [[nodiscard]] std::string heard() const;
    [[nodiscard]] std::string missing() const;

  private:
    struct Asking;
    explicit Probe(std::unique_ptr<Asking> asking);
    std::unique_ptr<Asking> asking_;
};

} // namespace vpn::client
