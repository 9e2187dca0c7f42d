// Where a peer may be found: its servers in the order of the file, each with the addresses known now. Pure.
// Refuses to know: name servers, and who answers.
#pragma once

#include "common/base/ip.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace vpn::client {

/// The families in turn, beginning with the first address's; within each, the order stays (RFC 8305, 4).
std::vector<Endpoint> families_in_turn(const std::vector<Endpoint>& endpoints);

class EndpointBook {
  public:
    /// Of the server in use, the first that has an address.
    explicit EndpointBook(std::vector<std::vector<Endpoint>> servers);

    /// It is one of a server's addresses as they are now.
    [[nodiscard]] bool knows(const Endpoint& endpoint) const;
    /// Those, and where somebody answered last.
    [[nodiscard]] std::vector<Endpoint> all() const;
    /// What else the server in use may answer at; behind that, where somebody answered last: a name can be answered by anybody.
    [[nodiscard]] std::vector<Endpoint> others(const Endpoint& tried) const;
    /// The first address of the server in use; none if no server has one.
    [[nodiscard]] std::optional<Endpoint> first() const;
    /// The next server is in use, round and round. None: there is no other that has an address which fits.
    std::optional<Endpoint> next_server(const std::function<bool(const Endpoint&)>& fits = [](const Endpoint&) { return true; });
    /// It is asked there: its server is in use.
    void handle_asked(const Endpoint& endpoint);
    /// Somebody answered there: its server is in use.
    void handle_answer_from(const Endpoint& endpoint);
    /// The server's name has these addresses now.
    void handle_addresses(std::size_t server, const std::vector<Endpoint>& endpoints);

  private:
    std::vector<std::vector<Endpoint>> servers_;
    std::size_t in_use_ = 0;
    std::optional<Endpoint> heard_;
};

} // namespace vpn::client
