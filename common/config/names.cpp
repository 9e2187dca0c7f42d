#include "common/config/names.hpp"

#include "common/config/host_port.hpp"
#include "common/config/utf8.hpp"

#include <algorithm>

namespace vpn::config {

bool is_interface_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("_=+.-").find(c) != std::string_view::npos;
    };
    if (name.empty() || name.size() > 15 || name == "." || name == "..") return false;
    return std::all_of(name.begin(), name.end(), allowed);
}

bool is_peer_name(std::string_view name) {
    if (name.empty() || name.size() > 63 || name.front() == ' ' || name.back() == ' ') return false;
    if (name.find('/') != std::string_view::npos || name == "." || name == "..") return false;
    while (!name.empty()) {
        const CodePoint next = first_code_point(name);
        if (!next.valid || !is_printable(next.value)) return false;
        name.remove_prefix(next.length);
    }
    return true;
}

bool is_dns_domain(std::string_view text) {
    if (text == "~.") return true;
    if (text.starts_with('~')) text.remove_prefix(1);
    return is_host_name(text);
}

} // namespace vpn::config
