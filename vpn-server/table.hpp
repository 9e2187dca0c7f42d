// Text in columns, for a terminal or a pipe.
// Refuses to know: what the columns mean.
#pragma once

#include "common/system/terminal.hpp"

#include <string>
#include <vector>

namespace vpn::server {

struct Cell {
    std::string text;
    system::Colour colour = system::Colour::plain;
};
using Row = std::vector<Cell>;

/// A line a row, two spaces between columns, none at the end of a line. A width is counted in characters of UTF-8.
std::string format_table(const std::vector<Row>& rows, bool colour);

} // namespace vpn::server
