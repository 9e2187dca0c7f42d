// THREATS: memory runs out. What is set aside keeps a process going, and is taken again when there is memory.
#include "common/system/memory_reserve.hpp"
#include "tests/system/in_child.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <vector>

using namespace vpn;
using namespace vpn::system;
using test::in_child;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;
constexpr std::size_t reserve = 16 * mebibyte;

std::size_t address_space() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * 4096;
}

/// No more than there is now, and so much; nothing if that is not given.
void limit_memory(std::size_t more) {
    const rlimit limit{address_space() + more, RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &limit);
}
void lift_limit() {
    const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &limit);
}

/// Each too large for what the heap has free.
using Blocks = std::vector<std::unique_ptr<char[]>>;
bool take(Blocks& blocks) {
    try {
        blocks.push_back(std::make_unique_for_overwrite<char[]>(mebibyte));
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

Blocks room_for_many() {
    Blocks blocks;
    blocks.reserve(100);
    return blocks;
}

} // namespace

TEST_CASE("without a reserve there is always enough") {
    CHECK(memory_left() == MemoryLeft::enough);
    CHECK(regain_memory() == MemoryLeft::enough);
}

TEST_CASE("the reserve takes no memory, only room") {
    CHECK(in_child([] {
              const auto resident = [] {
                  std::size_t total = 0;
                  std::size_t pages = 0;
                  std::ifstream("/proc/self/statm") >> total >> pages;
                  return pages * 4096;
              };
              const std::size_t before = resident();
              const std::size_t room = address_space();
              set_memory_aside();
              if (address_space() < room + reserve) return 1;
              return resident() < before + mebibyte ? 0 : 2;
          }) == 0);
}

TEST_CASE("where memory ends the reserve is used up, then allocations fail; given back, it is whole again") {
    CHECK(in_child([] {
              set_memory_aside();
              Blocks blocks = room_for_many();
              limit_memory(mebibyte / 2);
              while (memory_left() == MemoryLeft::enough)
                  if (!take(blocks)) return 1;
              if (blocks.size() < 4 || memory_left() != MemoryLeft::little) return 2;
              while (memory_left() == MemoryLeft::little)
                  if (!take(blocks)) return 3;
              if (memory_left() != MemoryLeft::none) return 4;
              while (take(blocks)) {
              }
              if (blocks.size() < 7 || blocks.size() > 16) return 5;
              if (regain_memory() != MemoryLeft::none) return 6;
              blocks.clear();
              if (regain_memory() != MemoryLeft::enough) return 7;
              lift_limit();
              return regain_memory() == MemoryLeft::enough && take(blocks) ? 0 : 8;
          }) == 0);
}

TEST_CASE("what grows asks first, and is refused without a touch of the reserve") {
    CHECK(in_child([] {
              set_memory_aside();
              limit_memory(4 * mebibyte);
              require_memory(ByteCount{2 * mebibyte});
              require_memory(ByteCount{0});
              try {
                  require_memory(ByteCount{8 * mebibyte});
                  return 1;
              } catch (const std::bad_alloc&) {
              }
              Blocks blocks = room_for_many();
              while (take(blocks)) {
              }
              return blocks.size() >= 16 ? 0 : 2; // all of it was there
          }) == 0);
}

TEST_CASE("for a library that can't do without, the reserve is given out beforehand") {
    CHECK(in_child([] {
              set_memory_aside();
              limit_memory(mebibyte / 2);
              if (!make_ready(ByteCount{8 * mebibyte})) return 1;
              const std::unique_ptr<void, decltype(&std::free)> theirs(std::malloc(8 * mebibyte), &std::free);
              if (!theirs) return 2;
              if (make_ready(ByteCount{32 * mebibyte})) return 3;
              return 0;
          }) == 0);
}
