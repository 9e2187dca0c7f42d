#include "vpn-client/name_lookups.hpp"

#include "common/system/clocks.hpp"
#include "vpn-client/network_plan.hpp"

#include <system_error>
#include <utility>

namespace vpn::client {
namespace {

/// What a look-up takes at most, with servers that don't answer: the lock stays open for them no longer.
constexpr Duration longest_lookup = std::chrono::seconds(30);

} // namespace

NameLookups::NameLookups(boost::asio::io_context& loop, Means means, const std::vector<config::HostPort>& names, Heard heard)
    : loop_(loop), means_(std::move(means)), heard_(std::move(heard)), queue_(names, system::now().boot) {
    if (!names.empty()) asked_ = means_.resolvers();
}

NameLookups::~NameLookups() {
    if (open_ && means_.lock) means_.lock->dismiss_resolvers();
}

void NameLookups::ask(const std::vector<config::HostPort>& names) {
    const Boot now = system::now().boot;
    for (const config::HostPort& name : names)
        if (!name.literal()) queue_.want(name, now);
    begin();
}

void NameLookups::ask_anew(const std::vector<config::HostPort>& names) {
    questions_.clear();
    queue_.begin_anew();
    ask(names);
}

void NameLookups::begin() {
    const Boot now = system::now().boot;
    while (const auto name = queue_.next(now)) begin(*name);
    if (queue_.is_idle() && std::exchange(open_, false) && means_.lock) means_.lock->dismiss_resolvers();
}

void NameLookups::begin(const config::HostPort& name) {
    asked_ = means_.resolvers();
    open_ = true;
    if (means_.lock) means_.lock->admit_resolvers(asked_, longest_lookup);
    system::SocketStock* const sockets = means_.sockets ? &*means_.sockets : nullptr;
    try {
        system::MarkedLookup lookup(name.host, name.port, asked_, outer_mark, sockets);
        const int fd = lookup.fd();
        questions_.insert_or_assign(name, Question{std::move(lookup), Watch(loop_, fd, [this, name] { hear(name); })});
    } catch (const std::system_error&) {
        queue_.handle_end(name); // no descriptors left: later, perhaps
    }
}

void NameLookups::hear(const config::HostPort& name) {
    const auto question = questions_.find(name);
    if (question == questions_.end()) return;
    const auto answer = question->second.lookup.handle_events();
    if (!answer) return;
    const auto done = questions_.extract(question); // with it go the name and the handler that we were called with
    queue_.handle_end(done.key());
    begin();
    heard_(done.key(), *answer);
}

} // namespace vpn::client
