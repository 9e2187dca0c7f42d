#include "common/protocol/suite_questions.hpp"

#include <algorithm>
#include <utility>

namespace vpn::protocol {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t initiations_in_a_round = 16;
/// Two in a row are not a datagram lost by chance, nor a server that has just begun.
constexpr Duration wait_from_the_second = 1s;

bool contains(const std::vector<Endpoint>& all, const Endpoint& one) { return std::ranges::find(all, one) != all.end(); }

} // namespace

std::vector<SuiteQuestion> SuiteQuestions::handle_initiation(const Endpoint& to, std::uint32_t count, Boot now) {
    std::vector<SuiteQuestion> ended;
    if (count % initiations_in_a_round == 1) ended = clear();
    if (!patience_) return ended;
    if (!contains(asked_, to) && !contains(to_ask_, to)) to_ask_.push_back(to);
    if (!to_ask_.empty()) ask_at_ = now + (count == 1 ? *patience_ : wait_from_the_second);
    return ended;
}

void SuiteQuestions::handle_also_to(const Endpoint& to, Boot now) {
    if (!patience_ || contains(asked_, to) || contains(to_ask_, to)) return;
    to_ask_.push_back(to);
    if (!ask_at_) ask_at_ = now + wait_from_the_second;
}

std::vector<Endpoint> SuiteQuestions::take_due(Boot now) {
    if (!ask_at_ || *ask_at_ > now) return {};
    ask_at_.reset();
    asked_.insert(asked_.end(), to_ask_.begin(), to_ask_.end());
    return std::exchange(to_ask_, {});
}

SuiteQuestion* SuiteQuestions::find(LocalIndex index) {
    const auto found = std::ranges::find(under_way_, index, [](const SuiteQuestion& each) { return each.pending.index; });
    return found == under_way_.end() ? nullptr : &*found;
}

void SuiteQuestions::remove(LocalIndex index) {
    std::erase_if(under_way_, [index](const SuiteQuestion& each) { return each.pending.index == index; });
}

std::vector<SuiteQuestion> SuiteQuestions::clear() {
    ask_at_.reset();
    to_ask_.clear();
    asked_.clear();
    return std::exchange(under_way_, {});
}

} // namespace vpn::protocol
