#include "vpn-server/config_file.hpp"

#include "common/system/files.hpp"
#include "tests/system/scratch.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>

namespace vpn::server {
namespace {

using samples::holds;
using test::Scratch;

void put(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

} // namespace

TEST_CASE("what is saved is loaded, for its owner alone") {
    const Scratch scratch;
    const ConfigFile file(scratch.file("server.json"));
    const config::ServerConfig config = samples::config();
    const auto saved = file.save(config);
    REQUIRE(saved);
    struct stat status {};
    REQUIRE(::stat(file.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600);
    const auto loaded = file.load();
    REQUIRE(loaded);
    CHECK(loaded->config == config);
    CHECK(file.is_still(*saved, samples::config()).value());
    CHECK(file.is_still(loaded->state, samples::config()).value());
}

TEST_CASE("a change by another hand shows, however small and however soon") {
    const Scratch scratch;
    const ConfigFile file(scratch.file("server.json"));
    const std::string text = config::encode(samples::config());
    std::string other = text;
    other[other.find("vpns")] = 'V';
    const auto change = [&](auto how) {
        const auto saved = file.save(samples::config());
        REQUIRE(saved);
        const auto loaded = file.load();
        REQUIRE(loaded);
        how();
        CHECK_FALSE(file.is_still(*saved, samples::config()).value());
        CHECK_FALSE(file.is_still(loaded->state, samples::config()).value());
    };
    SUBCASE("a blank more") {
        change([&] { std::ofstream(file.path(), std::ios::app) << ' '; });
    }
    SUBCASE("as long as before, many times in a moment") {
        for (int i = 0; i < 200; ++i) change([&] { std::ofstream(file.path()) << other; });
    }
    SUBCASE("as long and as old as before") {
        change([&] {
            struct stat status {};
            REQUIRE(::stat(file.path().c_str(), &status) == 0);
            std::ofstream(file.path()) << other;
            const timespec times[2] = {status.st_atim, status.st_mtim};
            REQUIRE(::utimensat(AT_FDCWD, file.path().c_str(), times, 0) == 0);
        });
    }
    SUBCASE("another file in its place") {
        change([&] {
            put(scratch.file("new"), other);
            std::filesystem::rename(scratch.file("new"), file.path());
        });
    }
}

TEST_CASE("one peer more leaves what saving all of them would have left") {
    const Scratch scratch;
    const ConfigFile file(scratch.file("server.json"));
    config::ServerConfig config = samples::config();
    ConfigFile::State state = file.save(config).value();
    const auto add = [&](const std::string& name, std::uint64_t seed) {
        config.peers.push_back(samples::peer(name, seed, {"10.66.0.9/32"}));
        const auto saved = file.save_one_more(config, state);
        REQUIRE(saved);
        state = *saved;
    };
    const auto holds_all = [&] {
        CHECK(system::read_private_file(file.path()).value() == config::encode(config));
        CHECK(file.is_still(state, config).value());
        CHECK_FALSE(state.digest);
    };
    SUBCASE("twice") {
        add("phone", 4);
        add("tablet", 5);
        holds_all();
    }
    SUBCASE("the first") {
        config.peers.clear();
        state = file.save(config).value();
        add("phone", 4);
        holds_all();
    }
    SUBCASE("behind what somebody wrote in his own way") {
        put(file.path(), "  " + config::encode(config));
        state = file.load().value().state;
        add("phone", 4);
        holds_all();
    }
    SUBCASE("behind what a server wrote before it was started again") {
        state = file.load_to_keep().value().state;
        CHECK_FALSE(state.digest);
        add("phone", 4);
        holds_all();
    }
    SUBCASE("behind what somebody wrote, looked at by a server that starts") {
        put(file.path(), "  " + config::encode(config));
        state = file.load_to_keep().value().state;
        CHECK(state.digest);
        add("phone", 4);
        holds_all();
    }
    SUBCASE("where no stamp tells whether the file is still the same") {
        state.stamp.reset();
        put(file.path(), "not ours any more");
        add("phone", 4);
        holds_all();
    }
    SUBCASE("not over what another hand has just made of it") {
        put(file.path(), "somebody's");
        config.peers.push_back(samples::peer("phone", 4, {"10.66.0.9/32"}));
        const auto saved = file.save_one_more(config, state);
        REQUIRE_FALSE(saved);
        CHECK(holds(saved.error().message, "vpn-server reload"));
        CHECK(system::read_private_file(file.path()).value() == "somebody's");
    }
    SUBCASE("not where it can't be written") {
        config.peers.push_back(samples::peer("phone", 4, {"10.66.0.9/32"}));
        const ConfigFile elsewhere(scratch.file("no/such/server.json"));
        CHECK_FALSE(elsewhere.save_one_more(config, {}));
        CHECK(file.is_still(state, samples::config()).value());
    }
}

TEST_CASE("who touched the file, or moved it, changed nothing") {
    const Scratch scratch;
    const ConfigFile file(scratch.file("server.json"));
    const auto saved = file.save(samples::config());
    REQUIRE(saved);
    REQUIRE(::utimensat(AT_FDCWD, file.path().c_str(), nullptr, 0) == 0);
    CHECK(file.is_still(*saved, samples::config()).value());
    put(scratch.file("copy"), config::encode(samples::config()));
    std::filesystem::rename(scratch.file("copy"), file.path());
    CHECK(file.is_still(*saved, samples::config()).value());
}

TEST_CASE("a file that can't be used says why, and how the command ends") {
    const Scratch scratch;
    const std::string path = scratch.file("server.json");
    ExitCode code = ExitCode::bad_configuration;
    std::string said = path;
    SUBCASE("missing") {}
    SUBCASE("open to others") {
        put(path, config::encode(samples::config()), 0644);
        said = "0644";
    }
    SUBCASE("wrong, with the line") {
        put(path, "{\n  \"version\": 1,\n  \"netwroks\": []\n}\n");
        said = path + ":";
    }
    SUBCASE("a directory") { REQUIRE(::mkdir(path.c_str(), 0700) == 0); }
    const auto loaded = ConfigFile(path).load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == code);
    CHECK(holds(loaded.error().message, said));
}

TEST_CASE("keys in other files are read, if they are as private") {
    const Scratch scratch;
    const std::string key_file = scratch.file("key");
    config::ServerConfig config = samples::config();
    config.interface.private_key_file = key_file;
    const ConfigFile file(scratch.file("server.json"));
    REQUIRE(file.save(config));
    put(key_file, config.interface.private_key.reveal() + "\n");
    CHECK(file.load().value().config == config);
    put(key_file, config.interface.private_key.reveal() + "\n", 0640);
    CHECK(holds(file.load().error().message, key_file));
}

TEST_CASE("one at a time edits a file, and the next waits until the first lets go") {
    const Scratch scratch;
    auto first = EditLock::take(scratch.file("server.json"));
    REQUIRE(first);
    std::atomic<bool> released{false};
    auto second = std::async(std::launch::async, [&] {
        const auto lock = EditLock::take(scratch.file("server.json"));
        return lock.has_value() && released.load();
    });
    released.store(true);
    first->release();
    CHECK(second.get());
}

TEST_CASE("where there is no directory there is nothing to lock") {
    CHECK_FALSE(EditLock::take("/no/such/directory/server.json"));
}

} // namespace vpn::server
