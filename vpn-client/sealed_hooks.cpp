#include "vpn-client/sealed_hooks.hpp"

#include "common/config/names.hpp"

#include <utility>

namespace vpn::client {

Result<SealedHooks::Step> SealedHooks::handle_order(std::string_view datagram) {
    auto order = decode_hook_order(datagram);
    if (!order) return failed("it is no order");
    if (order->kind == HookOrder::Kind::add) return add(std::move(order->hook));
    if (order->kind == HookOrder::Kind::seal) return seal(std::move(order->interface));
    if (!is_sealed()) return failed("the list is not sealed yet");
    switch (order->kind) {
    case HookOrder::Kind::run: return run(order->moment);
    case HookOrder::Kind::leave:
        if (std::exchange(left_, true)) return failed("the terminal was let go of before");
        return Step{Step::Kind::leave, {}};
    default: return Step{}; // to end what runs: it has ended by itself
    }
}

Result<SealedHooks::Step> SealedHooks::add(Hook hook) {
    if (is_sealed()) return failed("the list is sealed");
    hooks_.push_back(std::move(hook));
    return Step{};
}

Result<SealedHooks::Step> SealedHooks::seal(std::string interface) {
    if (is_sealed()) return failed("the list is sealed");
    if (!config::is_interface_name(interface)) return failed("it is no interface's name");
    interface_ = std::move(interface);
    return Step{};
}

Result<SealedHooks::Step> SealedHooks::run(HookMoment moment) {
    if (last_ && moment <= *last_) return failed("that moment has passed");
    last_ = moment;
    return Step{Step::Kind::run, moment};
}

} // namespace vpn::client
