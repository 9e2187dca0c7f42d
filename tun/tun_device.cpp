#include "tun/tun_device.hpp"

#include "common/system/os_error.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace vpn::tun {
namespace {

using Kind = TunError::Kind;
using system::errno_text;

constexpr int patience_ms = 50;
constexpr const char* clone_device = "/dev/net/tun";

tl::unexpected<TunError> refuse(Kind kind, std::string message) {
    return tl::unexpected<TunError>(TunError{{std::move(message)}, kind});
}

tl::unexpected<TunError> refuse_open(int error) {
    const std::string text = std::string("cannot open ") + clone_device + ": " + errno_text(error);
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return refuse(Kind::no_tun, text + "; the kernel's module tun is not loaded, or the container was given no such device");
    case ENODEV:
    case ENXIO: return refuse(Kind::no_tun, text + "; the kernel has no module tun");
    case EACCES:
    case EPERM: return refuse(Kind::not_allowed, text + "; run as root");
    default: return refuse(Kind::other, text);
    }
}

tl::unexpected<TunError> refuse_interface(const std::string& name, int error) {
    if (error == EBUSY) return refuse(Kind::name_taken, "there is an interface " + name + " already");
    const std::string text = "cannot make the interface " + name + ": " + errno_text(error);
    if (error == EPERM || error == EACCES) return refuse(Kind::not_allowed, text + "; CAP_NET_ADMIN is missing, run as root");
    return refuse(Kind::other, text);
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_=+.-").find(c) != std::string_view::npos;
}

bool is_interface_name(std::string_view name) {
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." && std::ranges::all_of(name, is_name_character);
}

/// The interface is no longer there, as the driver says it: EBADFD on a detached file, EFAULT while it goes.
bool means_gone(int error) { return error == EBADFD || error == ENODEV || error == EFAULT || error == EBADF; }

} // namespace

TunWriteReport& TunWriteReport::operator+=(const TunWriteReport& other) {
    written += other.written;
    down += other.down;
    full += other.full;
    refused += other.refused;
    gone = gone || other.gone;
    return *this;
}

Result<TunDevice, TunError> TunDevice::open(std::string_view name) {
    if (!is_interface_name(name)) {
        return refuse(Kind::invalid_name, "an interface's name has 1 to 15 of the characters A-Z a-z 0-9 _ = + . -");
    }
    system::UniqueFd fd(::open(clone_device, O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return refuse_open(errno);
    ifreq request{};
    std::copy(name.begin(), name.end(), request.ifr_name);
    // Exclusively: without it, a persistent TUN interface of that name would be taken over.
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);
    if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return refuse_interface(std::string(name), errno);
    const unsigned index = ::if_nametoindex(request.ifr_name);
    if (index == 0) return refuse_interface(std::string(name), errno);
    return TunDevice(std::move(fd), request.ifr_name, index);
}

TunReadReport TunDevice::read(PacketBatch& batch) {
    TunReadReport report;
    while (!batch.full()) {
        const MutableBytes slot = batch.next_slot();
        const ssize_t got = ::read(fd_.get(), slot.data(), slot.size());
        if (got < 0) {
            if (errno == EINTR) continue;
            report.gone = means_gone(errno);
            break;
        }
        const auto size = static_cast<std::size_t>(got);
        if (size > batch.largest_packet()) { // what ran into the tail room may have been longer still
            ++report.truncated;
        } else {
            batch.push(size);
            ++report.packets;
        }
    }
    return report;
}

TunWriteReport TunDevice::write(std::span<const Bytes> packets) {
    TunWriteReport report;
    bool waited = false;
    for (std::size_t at = 0; at < packets.size() && !report.gone;) {
        const Bytes packet = packets[at];
        const int error = ::write(fd_.get(), packet.data(), packet.size()) >= 0 ? 0 : errno;
        if (error == EINTR) continue;
        if (error == EAGAIN && !std::exchange(waited, true)) {
            pollfd room{fd_.get(), POLLOUT, 0};
            ::poll(&room, 1, patience_ms);
            continue;
        }
        if (error == 0)
            ++report.written;
        else if (error == EIO)
            ++report.down;
        else if (error == EAGAIN || error == ENOBUFS || error == ENOMEM)
            ++report.full;
        else if (means_gone(error))
            report.gone = true;
        else
            ++report.refused;
        ++at;
    }
    return report;
}

} // namespace vpn::tun
