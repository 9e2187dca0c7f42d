#include "vpn-server/table.hpp"

#include <algorithm>

namespace vpn::server {
namespace {

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::vector<std::size_t> widths_of(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
    }
    return widths;
}

} // namespace

std::string format_table(const std::vector<Row>& rows, bool colour) {
    const std::vector<std::size_t> widths = widths_of(rows);
    std::string text;
    for (const Row& row : rows) {
        std::size_t owed = 0;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const Cell& cell = row[i];
            if (!cell.text.empty()) {
                text.append(owed, ' ').append(system::coloured(cell.text, cell.colour, colour));
                owed = 0;
            }
            owed += widths[i] - width_of(cell.text) + 2;
        }
        text += '\n';
    }
    return text;
}

} // namespace vpn::server
