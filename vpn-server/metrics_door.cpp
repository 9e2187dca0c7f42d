#include "vpn-server/metrics_door.hpp"

#include "common/system/tcp_listener.hpp"
#include "vpn-server/exposition.hpp"

namespace vpn::server {
namespace {

using Listener = system::HttpServer::Listener;

system::OsResult<Listener> listen(const Endpoint& endpoint) {
    auto socket = system::listen_tcp(endpoint);
    if (!socket) return tl::unexpected(std::move(socket.error()));
    return Listener(std::move(*socket));
}

system::OsResult<Listener> listen(const std::string& path) {
    auto socket = system::UnixListener::listen(path);
    if (!socket) return tl::unexpected(std::move(socket.error()));
    return Listener(std::move(*socket));
}

} // namespace

Result<MetricsDoor::Opened> MetricsDoor::open(const std::optional<config::MetricsAddress>& wanted) const {
    if (!wanted || (server_ && wanted == where_)) return Opened();
    auto listener = std::visit([](const auto& place) { return listen(place); }, wanted->place);
    if (!listener) return failed("metrics: " + listener.error().message);
    return Opened(std::move(*listener));
}

void MetricsDoor::use(const std::optional<config::MetricsAddress>& wanted, Opened opened) {
    if (!wanted || opened) server_.reset();
    where_ = wanted;
    if (opened)
        server_ = std::make_unique<system::HttpServer>(
            loop_, std::move(*opened), system::HttpPage{"/metrics", std::string(Exposition::content_type), text_});
}

} // namespace vpn::server
