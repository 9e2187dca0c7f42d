// Where metrics are told while the server runs: nowhere, or at the address that the file names.
// Refuses to know: what they say.
#pragma once

#include "common/config/metrics_address.hpp"
#include "common/system/http_server.hpp"

#include <memory>
#include <optional>

namespace vpn::server {

class MetricsDoor {
  public:
    /// `text` is asked for each time somebody asks us, on the loop's thread.
    MetricsDoor(boost::asio::io_context& loop, std::function<std::string()> text) : loop_(loop), text_(std::move(text)) {}

    /// A door that stands open and that nobody comes through yet.
    using Opened = std::optional<system::HttpServer::Listener>;
    /// None if there is nothing to open: metrics are told there already, or nowhere. Errors: it can't be listened there.
    [[nodiscard]] Result<Opened> open(const std::optional<config::MetricsAddress>& wanted) const;
    /// From now on metrics are told at `wanted` alone. `opened` is what `open` gave for it.
    void use(const std::optional<config::MetricsAddress>& wanted, Opened opened);

  private:
    boost::asio::io_context& loop_;
    std::function<std::string()> text_;
    std::optional<config::MetricsAddress> where_;
    std::unique_ptr<system::HttpServer> server_;
};

} // namespace vpn::server
