// Room for bytes that is made once and not zeroed: a page of it that nobody writes costs neither memory nor time.
// Refuses to know: what is in it, and how much of it is used.
#pragma once

#include "common/base/bytes.hpp"

#include <memory>

namespace vpn {

class Slab {
  public:
    explicit Slab(std::size_t size) : bytes_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size) {}

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] MutableBytes bytes() const { return {bytes_.get(), size_}; }

  private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_;
};

} // namespace vpn
