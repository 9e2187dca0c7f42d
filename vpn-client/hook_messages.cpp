#include "vpn-client/hook_messages.hpp"

#include "common/base/bytes.hpp"

#include <array>
#include <limits>
#include <utility>

namespace vpn::client {
namespace {

using Number = std::uint32_t;

constexpr std::string_view orders = "asrel"; ///< in the order of HookOrder::Kind
constexpr std::string_view news_letters = "btgfno";

std::string format_number(Number number) {
    std::array<std::byte, sizeof number> bytes{};
    store_le(bytes.data(), number);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Takes a datagram apart from its front.
class Reader {
  public:
    explicit Reader(std::string_view text) : left_(text) {}

    /// Which of `letters`.
    template <class Kind> std::optional<Kind> letter(std::string_view letters) {
        const std::size_t place = left_.empty() ? std::string_view::npos : letters.find(left_.front());
        if (place == std::string_view::npos) return std::nullopt;
        left_.remove_prefix(1);
        return static_cast<Kind>(place);
    }
    std::optional<HookMoment> moment() {
        if (left_.empty() || static_cast<unsigned char>(left_.front()) > static_cast<unsigned char>(HookMoment::post_down))
            return std::nullopt;
        const auto moment = static_cast<HookMoment>(left_.front());
        left_.remove_prefix(1);
        return moment;
    }
    std::optional<Number> number() {
        if (left_.size() < sizeof(Number)) return std::nullopt;
        const auto number = load_le<Number>(bytes_of(left_).data());
        left_.remove_prefix(sizeof number);
        return number;
    }
    std::string rest() { return std::string(std::exchange(left_, {})); }
    [[nodiscard]] bool at_end() const { return left_.empty(); }

  private:
    std::string_view left_;
};

/// The rest of an order to add one.
std::optional<Hook> read_hook(Reader& reader) {
    const auto moment = reader.moment();
    const auto line = reader.number();
    if (!moment || !line || *line > static_cast<Number>(std::numeric_limits<int>::max())) return std::nullopt;
    Hook hook{*moment, static_cast<int>(*line), reader.rest()};
    if (hook.command.size() > longest_hook || hook.command.find('\0') != std::string::npos) return std::nullopt;
    return hook;
}

} // namespace

std::string encode(const HookOrder& order) {
    std::string text(1, orders.at(static_cast<std::size_t>(order.kind)));
    switch (order.kind) {
    case HookOrder::Kind::add:
        text += static_cast<char>(order.hook.moment);
        return text + format_number(static_cast<Number>(order.hook.line)) + order.hook.command;
    case HookOrder::Kind::seal: return text + order.interface;
    case HookOrder::Kind::run: return text + static_cast<char>(order.moment);
    case HookOrder::Kind::end:
    case HookOrder::Kind::leave: break;
    }
    return text;
}

std::optional<HookOrder> decode_hook_order(std::string_view datagram) {
    Reader reader(datagram);
    const auto kind = reader.letter<HookOrder::Kind>(orders);
    if (!kind) return std::nullopt;
    HookOrder order{*kind, {}, {}, {}};
    if (*kind == HookOrder::Kind::add) {
        auto hook = read_hook(reader);
        if (!hook) return std::nullopt;
        order.hook = std::move(*hook);
    }
    if (*kind == HookOrder::Kind::seal) order.interface = reader.rest();
    if (*kind == HookOrder::Kind::run) {
        const auto moment = reader.moment();
        if (!moment) return std::nullopt;
        order.moment = *moment;
    }
    return reader.at_end() ? std::optional(std::move(order)) : std::nullopt;
}

std::string encode(const HookNews& news) {
    std::string text(1, news_letters.at(static_cast<std::size_t>(news.kind)));
    if (news.kind == HookNews::Kind::over) return text;
    return text + format_number(news.hook) + news.text.substr(0, longest_hook_news - text.size() - sizeof(Number));
}

std::optional<HookNews> decode_hook_news(std::string_view datagram) {
    Reader reader(datagram);
    const auto kind = reader.letter<HookNews::Kind>(news_letters);
    if (!kind) return std::nullopt;
    HookNews news{*kind, 0, {}};
    if (*kind != HookNews::Kind::over) {
        const auto hook = reader.number();
        if (!hook) return std::nullopt;
        news.hook = *hook;
    }
    if (*kind == HookNews::Kind::failed || *kind == HookNews::Kind::not_started) news.text = reader.rest();
    return reader.at_end() ? std::optional(std::move(news)) : std::nullopt;
}

} // namespace vpn::client
