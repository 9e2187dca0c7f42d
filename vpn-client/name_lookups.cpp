#include "vpn-client/name_lookups.hpp"

#include "common/system/clocks.hpp"
#include "vpn-client/network_plan.hpp"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace vpn::client {
namespace {

/// What a look-up takes at most, with six servers that don't answer: the lock stays open for them no longer.
constexpr Duration longest_lookup = std::chrono::seconds(40);

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
    queue_.begin_anew();
    questions_.clear();
    ask(names);
}

bool NameLookups::handle_new_resolvers() {
    auto now = means_.resolvers();
    if (now == asked_) return false;
    asked_ = std::move(now);
    return true;
}

void NameLookups::begin() {
    const Boot now = system::now().boot;
    bool looked = false;
    while (const auto name = queue_.next(now)) {
        try {
            if (!looked) look_whom_to_ask();
            looked = true;
            begin(*name);
        } catch (const std::system_error&) {
            queue_.handle_end(*name); // no descriptors left: later, perhaps
        } catch (const std::bad_alloc&) {
            queue_.handle_end(*name);
        }
    }
    if (queue_.is_idle() && std::exchange(open_, false) && means_.lock) means_.lock->dismiss_resolvers();
}

/// Whom somebody is being asked already, the lock lets be asked on.
void NameLookups::look_whom_to_ask() {
    asked_ = means_.resolvers();
    std::vector<Resolver> all = asked_;
    for (const auto& [name, question] : questions_)
        for (const Resolver& each : question.asked)
            if (std::ranges::find(all, each) == all.end()) all.push_back(each);
    open_ = true;
    if (means_.lock) means_.lock->admit_resolvers(all, longest_lookup);
}

void NameLookups::begin(const config::HostPort& name) {
    system::SocketStock* const sockets = means_.sockets ? &*means_.sockets : nullptr;
    system::MarkedLookup lookup(name.host, name.port, asked_, outer_mark, sockets);
    const int fd = lookup.fd();
    questions_.insert_or_assign(name, Question{std::move(lookup), Watch(loop_, fd, [this, name] { hear(name); }), asked_});
}

void NameLookups::hear(const config::HostPort& name) {
    const auto question = questions_.find(name);
    if (question == questions_.end()) return;
    try {
        const auto answer = question->second.lookup.handle_events();
        if (!answer) return;
        heard_(name, *answer);
    } catch (const std::bad_alloc&) { // as if no answer had come
    }
    // With it go the name and the handler that we were called with.
    if (const auto done = questions_.extract(name); !done.empty()) queue_.handle_end(done.key());
    begin();
}

} // namespace vpn::client
