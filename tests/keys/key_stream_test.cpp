// Keys through pipes and files.
#include "keys/key_stream.hpp"

#include "common/system/unique_fd.hpp"
#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace vpn;
using namespace vpn::keys;
using system::UniqueFd;

namespace {

constexpr auto key_hex = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr auto key_base64 = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";

/// A file that is only in memory.
UniqueFd file_with(std::string_view text) {
    UniqueFd fd(::memfd_create("key", MFD_CLOEXEC));
    REQUIRE(fd);
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
    return fd;
}

std::string text_in(const UniqueFd& fd) {
    std::string text(200, '\0');
    const ssize_t size = ::pread(fd.get(), text.data(), text.size(), 0);
    REQUIRE(size >= 0);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

struct Pipe {
    UniqueFd reading;
    UniqueFd writing;
    Pipe() {
        int ends[2] = {-1, -1};
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    void put(std::string_view text) const {
        REQUIRE(::write(writing.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
};

/// The key in hex, or what was wrong.
std::string read_from(int fd) {
    const auto key = read_private_key_from(fd);
    return key ? format_hex(key->view()) : key.error().message;
}

std::string read_from_text(std::string_view text) { return read_from(file_with(text).get()); }

bool mentions(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

} // namespace

TEST_CASE("a key is read from a descriptor, with and without the end of its line") {
    CHECK(read_from_text(key_base64) == key_hex);
    CHECK(read_from_text(std::string(key_base64) + "\n") == key_hex);
    CHECK(read_from_text(std::string(key_base64) + "\r\n \n\n") == key_hex);
    CHECK(read_from_text(std::string(key_base64) + std::string(1000, '\n')) == key_hex);
}

TEST_CASE("a key is read however it is cut in pieces") {
    for (std::size_t cut = 1; cut < 44; cut += 7) {
        Pipe cut_pipe;
        cut_pipe.put(std::string_view(key_base64).substr(0, cut));
        const std::string rest = std::string(key_base64).substr(cut) + "\n";
        // A pipe of packets gives each write to a read of its own.
        REQUIRE(::fcntl(cut_pipe.writing.get(), F_SETFL, O_DIRECT) == 0);
        cut_pipe.put(rest);
        cut_pipe.writing.reset();
        CHECK(read_from(cut_pipe.reading.get()) == key_hex);
    }
}

TEST_CASE("what is no key is refused with a reason that doesn't show it") {
    for (const std::string_view text :
         {"", "\n", "short", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=",
          " dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=", "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"}) {
        const std::string said = read_from_text(text);
        CHECK(mentions(said, "not a key"));
        CHECK_FALSE(mentions(said, "dwdt"));
    }
}

TEST_CASE("anything but blanks behind a key is refused") {
    for (const std::string_view behind : {"x", "=", "\nx", "  \n\n  .", "\ndwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="}) {
        CHECK(mentions(read_from_text(std::string(key_base64) + std::string(behind)), "behind the key"));
    }
    CHECK(mentions(read_from_text(std::string(key_base64) + std::string(200, ' ') + "x"), "behind the key"));
}

TEST_CASE("an endless input ends") {
    const Pipe pipe;
    pipe.put(key_base64);
    pipe.put(std::string(60'000, '\n')); // the writing end stays open: reading on would block
    CHECK(mentions(read_from(pipe.reading.get()), "behind the key"));
    const UniqueFd zeros(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    CHECK(mentions(read_from(zeros.get()), "not a key"));
}

TEST_CASE("a descriptor that can't be read says why") {
    CHECK(mentions(read_from(-1), "Bad file descriptor"));
    const UniqueFd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(mentions(read_from(directory.get()), "Is a directory"));
}

TEST_CASE("a key is written as one line") {
    const UniqueFd fd = file_with("");
    REQUIRE(write_key_to(fd.get(), vectors::array_from_hex<32>(key_hex)));
    CHECK(text_in(fd) == std::string(key_base64) + "\n");
}

TEST_CASE("a key that could not be written is an error") {
    const auto key = vectors::array_from_hex<32>(key_hex);
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const auto to_full = write_key_to(full.get(), key);
    REQUIRE_FALSE(to_full);
    CHECK(mentions(to_full.error().message, "No space left"));
    const auto to_nothing = write_key_to(-1, key);
    REQUIRE_FALSE(to_nothing);
    CHECK(mentions(to_nothing.error().message, "Bad file descriptor"));
}

TEST_CASE("a regular file that others may use is open to the world") {
    const UniqueFd fd = file_with("");
    for (const unsigned mode : {0600U, 0640U, 0660U, 0400U}) {
        REQUIRE(::fchmod(fd.get(), mode) == 0);
        CHECK_FALSE(is_open_to_the_world(fd.get()));
    }
    for (const unsigned mode : {0604U, 0602U, 0601U, 0644U, 0666U}) {
        REQUIRE(::fchmod(fd.get(), mode) == 0);
        CHECK(is_open_to_the_world(fd.get()));
    }
}

TEST_CASE("pipes, devices and nothing at all are not open to the world") {
    const Pipe pipe;
    const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    CHECK_FALSE(is_open_to_the_world(pipe.writing.get()));
    CHECK_FALSE(is_open_to_the_world(null.get()));
    CHECK_FALSE(is_open_to_the_world(-1));
}
