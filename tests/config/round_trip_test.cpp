// What is written is read back equal, whatever it is.
#include "common/config/wg_quick.hpp"
#include "tests/config/generator.hpp"

#include <doctest/doctest.h>

#include <map>

namespace vpn::config {
namespace {

constexpr std::uint64_t seeds = 400;

/// Stands for the files that keys lie in.
class KeyFiles {
  public:
    void put(const std::string& path, std::string key) {
        if (!path.empty()) contents_[path] = std::move(key);
    }
    [[nodiscard]] KeyReader reader() const {
        return [this](const std::string& path) -> Result<std::string> {
            const auto found = contents_.find(path);
            if (found == contents_.end()) return failed(path + ": no such file");
            return found->second + '\n';
        };
    }

  private:
    std::map<std::string, std::string> contents_;
};

template <class Config> KeyFiles key_files(const Config& config) {
    KeyFiles files;
    files.put(config.interface.private_key_file, config.interface.private_key.reveal());
    if constexpr (requires { config.interface.old_key; })
        if (const auto& old = config.interface.old_key) files.put(old->private_key_file, old->private_key.reveal());
    for (const auto& peer : config.peers) {
        files.put(peer.public_key_file, peer.public_key.to_string());
        files.put(peer.preshared_key_file, peer.preshared_key.reveal());
    }
    return files;
}

/// Two keys can't stand in one file. Gives each path its own end.
template <class Config> void part_key_files(Config& config) {
    int count = 0;
    const auto part = [&](std::string& path) {
        if (!path.empty()) path += std::to_string(count++);
    };
    part(config.interface.private_key_file);
    if constexpr (requires { config.interface.old_key; })
        if (config.interface.old_key) part(config.interface.old_key->private_key_file);
    for (auto& peer : config.peers) {
        part(peer.public_key_file);
        part(peer.preshared_key_file);
    }
}

} // namespace

TEST_CASE("JSON that is written is read back equal, on one line and on many") {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const Json json = Generator(seed).json(5);
        for (const Layout layout : {Layout::one_line, Layout::pretty}) {
            const std::string text = format(json, layout);
            INFO("seed ", seed, ": ", text);
            const auto again = parse(text);
            REQUIRE_MESSAGE(again, again.error().message);
            CHECK(*again == json);
            CHECK(format(*again, layout) == text);
            if (layout == Layout::one_line) CHECK(text.find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("a client's configuration that is written is read back equal") {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        ClientConfig config = Generator(seed).client();
        part_key_files(config);
        REQUIRE(!check(config));
        const std::string text = encode(config);
        INFO("seed ", seed, ": ", text);
        const auto again = decode_client(text, "c.json", key_files(config).reader());
        REQUIRE_MESSAGE(again, again.error().text());
        CHECK(*again == config);
        CHECK(encode(*again) == text);
        CHECK(config.clone() == config);
    }
}

TEST_CASE("a server's configuration that is written is read back equal") {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        ServerConfig config = Generator(seed).server();
        part_key_files(config);
        REQUIRE(!check(config));
        const std::string text = encode(config);
        INFO("seed ", seed, ": ", text);
        const auto again = decode_server(text, "s.json", key_files(config).reader());
        REQUIRE_MESSAGE(again, again.error().text());
        CHECK(*again == config);
        CHECK(encode(*again) == text);
        CHECK(config.clone() == config);
    }
}

TEST_CASE("wg-quick text that is written is read back equal, but for what it has no words for") {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        ClientConfig config = Generator(seed).client();
        config.interface.private_key_file.clear();
        for (ClientPeer& peer : config.peers) {
            peer.public_key_file.clear();
            peer.preshared_key_file.clear();
        }
        const std::string text = format_wg_quick(config);
        INFO("seed ", seed, ": ", text);
        const auto again = parse_wg_quick(text, "wg.conf");
        REQUIRE_MESSAGE(again, again.error().text());
        config.interface.name.clear();
        config.interface.probe.reset();
        config.interface.offloads = true;
        config.interface.portal_check = well_known_portal_check();
        for (ClientPeer& peer : config.peers) {
            peer.name.clear();
            peer.more_endpoints.clear();
            peer.written_ips.clear();
        }
        CHECK(again->config == config);
        CHECK(again->unused.empty());
        CHECK(again->unknown.empty());
    }
}

TEST_CASE("a text with one byte changed is refused or read, and an error has its line") {
    const std::string good = encode(Generator(7).client());
    Generator random(11);
    for (int i = 0; i < 3000; ++i) {
        std::string text = good;
        text[random.below(text.size())] = static_cast<char>(random.below(256));
        const auto decoded =
            decode_client(text, "c.json", [](const std::string&) -> Result<std::string> { return failed("none"); });
        if (decoded) continue;
        CHECK(decoded.error().line >= 1);
        CHECK(decoded.error().line <= 1 + std::count(text.begin(), text.end(), '\n'));
        CHECK(!decoded.error().message.empty());
    }
}

TEST_CASE("a file with a peer more is the one before with another ending") {
    std::size_t compared = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        ServerConfig config = Generator(seed).server();
        if (config.peers.size() < 2) continue;
        const std::string all = encode(config);
        const Ending ending = encode_last_peer(config);
        config.peers.pop_back();
        std::string text = encode(config);
        text.resize(text.size() - ending.dropped.value);
        INFO("seed ", seed);
        CHECK(text + ending.text == all);
        ++compared;
    }
    CHECK(compared > seeds / 4);
}

} // namespace vpn::config
