// Keys in files of their own.
#include "keys/key_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace vpn;
using namespace vpn::keys;
using Kind = system::FileError::Kind;

namespace {

constexpr auto key_base64 = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";
constexpr auto other_base64 = "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=";

/// A directory that is gone when the test is.
class Directory {
  public:
    Directory() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
    [[nodiscard]] std::string file(std::string_view name, std::string_view text, unsigned mode) const {
        std::ofstream(file(name)) << text;
        REQUIRE(::chmod(file(name).c_str(), mode) == 0);
        return file(name);
    }
    [[nodiscard]] std::size_t files() const {
        const std::filesystem::directory_iterator all(path_);
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

  private:
    std::string path_ = (std::filesystem::temp_directory_path() / "key_file_test.XXXXXX").string();
};

crypto::PrivateKey private_key(std::string_view base64) {
    auto key = crypto::PrivateKey::parse(base64);
    REQUIRE(key);
    return std::move(*key);
}

std::string text_in(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

} // namespace

TEST_CASE("a key file is one line that only its owner may read or write") {
    const Directory directory;
    const std::string path = directory.file("laptop.key");
    const mode_t umask_before = ::umask(0);
    const bool written = write_private_key(path, private_key(key_base64)).has_value();
    ::umask(umask_before);
    REQUIRE(written);
    CHECK(text_in(path) == std::string(key_base64) + "\n");
    CHECK(mode_of(path) == 0600);
    CHECK(directory.files() == 1);
}

TEST_CASE("a key comes back from its file") {
    const Directory directory;
    const std::string path = directory.file("laptop.key");
    REQUIRE(write_private_key(path, private_key(key_base64)));
    const auto key = read_private_key(path);
    REQUIRE(key);
    CHECK(equal_in_constant_time(*key, private_key(key_base64)));
}

TEST_CASE("a preshared key has files too") {
    const Directory directory;
    const std::string path = directory.file("psk");
    const auto psk = crypto::PresharedKey::parse(other_base64);
    REQUIRE(psk);
    REQUIRE(write_preshared_key(path, *psk));
    CHECK(mode_of(path) == 0600);
    const auto read = read_preshared_key(path);
    REQUIRE(read);
    CHECK(equal_in_constant_time(*read, *psk));
}

TEST_CASE("writing replaces what was there, its mode and a symbolic link included") {
    const Directory directory;
    const std::string target = directory.file("target", "untouched", 0644);
    const std::string path = directory.file("laptop.key");
    REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    REQUIRE(write_private_key(path, private_key(key_base64)));
    CHECK(text_in(target) == "untouched");
    CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(path)));
    REQUIRE(::chmod(path.c_str(), 0666) == 0);
    REQUIRE(write_private_key(path, private_key(other_base64)));
    CHECK(text_in(path) == std::string(other_base64) + "\n");
    CHECK(mode_of(path) == 0600);
}

TEST_CASE("a file as wg leaves it is read, whatever ends its line") {
    const Directory directory;
    for (const std::string end : {"", "\n", "\r\n", "\n\n"}) {
        CHECK(read_private_key(directory.file("key", key_base64 + end, 0600)));
    }
    CHECK(read_private_key(directory.file("readonly", key_base64, 0400)));
}

TEST_CASE("a file that others may read or write is refused") {
    const Directory directory;
    for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0660U, 0644U, 0666U}) {
        CAPTURE(mode);
        const auto key = read_private_key(directory.file("key", key_base64, mode));
        REQUIRE_FALSE(key);
        CHECK(key.error().file == Kind::too_open);
        CHECK(key.error().message.find("chmod 600") != std::string::npos);
    }
}

TEST_CASE("a missing file, a directory and a file too large each say so") {
    const Directory directory;
    const auto missing = read_private_key(directory.file("none"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().file == Kind::missing);
    const auto not_regular = read_private_key(directory.file("."));
    REQUIRE_FALSE(not_regular);
    CHECK(not_regular.error().file == Kind::not_regular);
    const auto too_large = read_private_key(directory.file("large", key_base64 + std::string(5000, '\n'), 0600));
    REQUIRE_FALSE(too_large);
    CHECK(too_large.error().file == Kind::too_large);
}

TEST_CASE("a file that holds no key is refused, and its text is not shown") {
    const Directory directory;
    for (const std::string text :
         {"", "\n", "dwdtCnMYpX08", "PrivateKey = dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
          "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=\n", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo= # mine\n"}) {
        CAPTURE(text);
        const auto key = read_private_key(directory.file("key", text, 0600));
        REQUIRE_FALSE(key);
        CHECK_FALSE(key.error().file);
        CHECK(key.error().message.find(directory.file("key")) != std::string::npos);
        CHECK(key.error().message.find("dwdt") == std::string::npos);
    }
}

TEST_CASE("a key that can't be written leaves nothing behind") {
    const Directory directory;
    const auto nowhere = write_private_key(directory.file("none/laptop.key"), private_key(key_base64));
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().file == Kind::missing);
    REQUIRE(::mkdir(directory.file("taken").c_str(), 0700) == 0);
    CHECK_FALSE(write_private_key(directory.file("taken"), private_key(key_base64)));
    CHECK(directory.files() == 1);
}
