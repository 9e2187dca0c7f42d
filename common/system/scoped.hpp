// Something put into the kernel over netlink that leaves it with its guard.
#pragma once

#include "common/system/netlink.hpp"

#include <utility>

namespace vpn::system {

/// Holds a T that Add put up, and takes it down with Remove. Move-only. The Netlink must outlive it.
template <class T, auto Add, auto Remove> class Scoped {
  public:
    static OsResult<Scoped> add(Netlink& netlink, T object) {
        if (auto added = Add(netlink, object); !added) return tl::unexpected(added.error());
        return Scoped(netlink, std::move(object));
    }
    /// Takes over what is there already, left by a predecessor.
    static Scoped adopt(Netlink& netlink, T object) { return Scoped(netlink, std::move(object)); }

    Scoped(Scoped&& other) noexcept : netlink_(std::exchange(other.netlink_, nullptr)), object_(std::move(other.object_)) {}
    Scoped& operator=(Scoped&& other) noexcept {
        if (this != &other) {
            static_cast<void>(revert());
            netlink_ = std::exchange(other.netlink_, nullptr);
            object_ = std::move(other.object_);
        }
        return *this;
    }
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;
    ~Scoped() { static_cast<void>(revert()); }

    [[nodiscard]] const T& get() const { return object_; }
    /// Takes it down now. What is gone already (with its interface, say) is fine; a second call does nothing.
    OsResult<void> revert() {
        if (netlink_ == nullptr) return {};
        auto removed = Remove(*std::exchange(netlink_, nullptr), object_);
        if (!removed && is_gone(removed.error())) return {};
        return removed;
    }
    /// Leaves it where it is.
    void release() { netlink_ = nullptr; }

  private:
    Scoped(Netlink& netlink, T object) : netlink_(&netlink), object_(std::move(object)) {}
    static bool is_gone(const OsError& error) {
        return is_errno(error, ESRCH) || is_errno(error, ENOENT) || is_errno(error, ENODEV) || is_errno(error, EADDRNOTAVAIL);
    }

    Netlink* netlink_;
    T object_;
};

} // namespace vpn::system
