// Names and lists as nft's language wants them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace vpn::client {

/// `vpn-PURPOSE-` and the name, where what nft takes in no name (`=`, `+`) stands as a slash and two hex digits.
std::string table_name(std::string_view start, std::string_view name);
/// The name that `table_name` made this of.
std::string name_in_table(std::string_view start, std::string_view table);

std::string in_quotes(std::string_view interface);

/// `a, b, c` of the items that `pick` takes.
template <class Items, class Pick> std::string listed(const Items& items, Pick pick) {
    std::string text;
    for (const auto& item : items)
        if (pick(item)) text += (text.empty() ? "" : ", ") + item.to_string();
    return text;
}

} // namespace vpn::client
