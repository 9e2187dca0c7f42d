#include "vpn-client/complaint.hpp"

#include <iostream>

namespace vpn::client {

std::string complaint_text(const Refusal& refusal) {
    std::string text = "vpn-client: " + refusal.message + '\n';
    if (refusal.reason) text += "reason=" + std::string(token_of(*refusal.reason)) + '\n';
    return text;
}

system::ExitCode complain(const Refusal& refusal) {
    std::cerr << complaint_text(refusal) << std::flush;
    return refusal.code;
}

void say_notes(const std::vector<std::string>& notes) {
    for (const std::string& note : notes) std::cerr << "vpn-client: " << note << '\n';
}

} // namespace vpn::client
