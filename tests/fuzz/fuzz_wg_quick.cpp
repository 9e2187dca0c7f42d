#include "common/config/wg_quick.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vpn;
    const std::string_view text = fuzz::text_of(data, size);
    const auto parsed = config::parse_wg_quick(text, "file");
    if (!parsed) {
        fuzz::demand_helpful(parsed.error(), text);
        return 0;
    }
    const auto again = config::parse_wg_quick(config::format_wg_quick(parsed->config), "file");
    fuzz::demand(again.has_value() && again->config == parsed->config);
    fuzz::demand(again->hooks.empty() && again->unused.empty() && again->unknown.empty());
    const auto imported = config::decode_client(encode(parsed->config), "file");
    fuzz::demand(imported.has_value() && *imported == parsed->config);
    return 0;
}
