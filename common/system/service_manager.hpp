// Tells a service manager how it goes (sd_notify(3)): a few words to the socket that it named, if it named one.
// Refuses to know: what the words mean.
#pragma once

#include <string>
#include <string_view>

namespace vpn::system {

/// `READY=1`, `STOPPING=1`, `STATUS=...`: one or several, a line each. Nobody waits for it, and where there is no service
/// manager nothing happens.
void tell_service_manager(std::string_view words);

} // namespace vpn::system
