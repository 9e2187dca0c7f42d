#include "common/config/client_config.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vpn;
    const std::string_view text = fuzz::text_of(data, size);
    const auto decoded = config::decode_client(text, "file", fuzz::key_in_file);
    if (!decoded) {
        fuzz::demand_helpful(decoded.error(), text);
        return 0;
    }
    fuzz::demand(!check(*decoded));
    const std::string written = encode(*decoded);
    const auto again = config::decode_client(written, "file", fuzz::key_in_file);
    fuzz::demand(again.has_value() && *again == *decoded && encode(*again) == written);
    return 0;
}
