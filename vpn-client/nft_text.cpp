#include "vpn-client/nft_text.hpp"

#include "common/base/encoding.hpp"

namespace vpn::client {
namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

} // namespace

std::string table_name(std::string_view start, std::string_view name) {
    std::string table(start);
    for (const char c : name) {
        const bool plain = letters.find(c) != std::string_view::npos;
        table += plain ? std::string(1, c) : '/' + format_hex(bytes_of({&c, 1})); // nft takes no `=` and `+`, but slashes
    }
    return table;
}

std::string name_in_table(std::string_view start, std::string_view table) {
    if (!table.starts_with(start)) return {};
    table.remove_prefix(start.size());
    std::string name;
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i] != '/') {
            name += table[i];
            continue;
        }
        ByteArray<1> byte{};
        if (!parse_hex(table.substr(i + 1, 2), byte)) return {};
        name += static_cast<char>(byte[0]);
        i += 2;
    }
    return name;
}

std::string in_quotes(std::string_view interface) { return '"' + std::string(interface) + '"'; }

} // namespace vpn::client
