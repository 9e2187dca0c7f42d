// The kernel forwards as long as this lives; then every switch is what it was before the first of us turned it, even if one of
// us was killed in between.
// Refuses to know: firewalls. Rules stand before anything is forwarded.
#pragma once

#include "vpn-server/forwarding_plan.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vpn::server {

class Forwarding {
  public:
    /// Notes in `restore_file` what was, before it turns anything.
    /// Errors: a switch that can't be turned (a container's /proc/sys may be read-only), and then nothing is changed.
    static Result<Forwarding> enable(std::string_view tunnel, bool with_ipv6, const std::string& restore_file);
    Forwarding(Forwarding&& other) noexcept
        : put_back_(std::move(other.put_back_)), restore_file_(std::exchange(other.restore_file_, {})) {}
    Forwarding& operator=(Forwarding&&) = delete;
    ~Forwarding();

  private:
    Forwarding(std::vector<Setting> put_back, std::string restore_file)
        : put_back_(std::move(put_back)), restore_file_(std::move(restore_file)) {}

    std::vector<Setting> put_back_;
    /// Empty: nothing is to be done.
    std::string restore_file_;
};

} // namespace vpn::server
