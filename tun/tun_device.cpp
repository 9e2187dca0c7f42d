#include "tun/tun_device.hpp"

#include "common/system/os_error.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

/// Makes the interface that `fd` then stands for; the errno, or zero.
int make_interface(int fd, ifreq& request, int headers) {
    // Exclusively: without it, a persistent TUN interface of that name would be taken over.
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | headers);
    return ::ioctl(fd, TUNSETIFF, &request) == 0 ? 0 : errno;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_=+.-").find(c) != std::string_view::npos;
}

bool is_interface_name(std::string_view name) {
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." && std::ranges::all_of(name, is_name_character);
}

Result<system::UniqueFd, TunError> open_clone_device(std::string_view name) {
    if (!is_interface_name(name))
        return refuse(Kind::invalid_name, "an interface's name has 1 to 15 of the characters A-Z a-z 0-9 _ = + . -");
    system::UniqueFd fd(::open(clone_device, O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return refuse_open(errno);
    return fd;
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

Result<void, TunError> TunDevice::check(std::string_view name) {
    if (auto fd = open_clone_device(name); !fd) return tl::unexpected(fd.error());
    if (::if_nametoindex(std::string(name).c_str()) != 0) return refuse_interface(std::string(name), EBUSY);
    return {};
}

Result<TunDevice, TunError> TunDevice::open(std::string_view name, bool offloads) {
    auto opened = open_clone_device(name);
    if (!opened) return tl::unexpected(opened.error());
    system::UniqueFd fd = std::move(*opened);
    ifreq request{};
    std::copy(name.begin(), name.end(), request.ifr_name);
    int error = make_interface(fd.get(), request, offloads ? IFF_VNET_HDR : 0);
    if (error == EINVAL && offloads) { // something that is not Linux, but plays it, has no headers
        offloads = false;
        error = make_interface(fd.get(), request, 0);
    }
    if (error != 0) return refuse_interface(std::string(name), error);
    const unsigned index = ::if_nametoindex(request.ifr_name);
    if (index == 0) return refuse_interface(std::string(name), errno);
    auto agreed = std::make_unique<Offloads>();
    agreed->headers = offloads;
    TunDevice device(std::move(fd), request.ifr_name, index, std::move(agreed));
    if (offloads) device.agree_on_offloads();
    return device;
}

void TunDevice::agree_on_offloads() {
    constexpr unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    constexpr unsigned udp = 0x20U | 0x40U; // TUN_F_USO4 and TUN_F_USO6, since Linux 6.2
    offloads_->udp = ::ioctl(fd_.get(), TUNSETOFFLOAD, tcp | udp) == 0;
    offloads_->tcp = offloads_->udp || ::ioctl(fd_.get(), TUNSETOFFLOAD, tcp) == 0;
    if (!offloads_->tcp) ::ioctl(fd_.get(), TUNSETOFFLOAD, 0);
}

offload::Coalescer::Features TunDevice::features() const { return {offloads_->tcp, offloads_->udp}; }

TunRead TunDevice::read(MutableBytes buffer) {
    // The header is read to just before the packet, whether or not there is one.
    const std::size_t before = offload::VnetHeader::size;
    const std::size_t header = offloads_->headers ? before : 0;
    const MutableBytes room = buffer.subspan(before - header).first(header + 65535);
    for (;;) {
        const ssize_t got = ::read(fd_.get(), room.data(), room.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return {{}, {}, means_gone(errno)};
        const auto size = static_cast<std::size_t>(got);
        if (size <= header) return {};
        return {header == 0 ? offload::VnetHeader{} : offload::VnetHeader::decode(buffer), buffer.subspan(before, size - header)};
    }
}

/// One call of write: what became of its packets, and whether it has waited already. On the stack, nothing is allocated.
class TunDevice::Writing {
  public:
    explicit Writing(TunDevice& device) : device_(device) {}

    /// The next part of what is written next. Requires: at most Coalescer::parts_max of them.
    void add(Bytes part) { vectors_.at(++parts_) = {const_cast<std::byte*>(part.data()), part.size()}; } // writev only reads

    /// Writes a header (if the device has them) and the parts as `packets` packets; the errno, or zero.
    int write(const offload::VnetHeader& header, std::size_t packets) {
        header.encode(header_bytes_);
        vectors_[0] = {header_bytes_.data(), device_.offloads_->headers ? header_bytes_.size() : 0};
        const int count = static_cast<int>(std::exchange(parts_, 0)) + 1;
        for (;;) {
            const int error = ::writev(device_.fd(), vectors_.data(), count) >= 0 ? 0 : errno;
            if (error == EINTR) continue;
            if (error != EAGAIN || std::exchange(waited_, true)) return account(error, header, packets);
            pollfd room{device_.fd(), POLLOUT, 0};
            ::poll(&room, 1, patience_ms);
        }
    }
    int write_single(Bytes packet) {
        add(packet);
        return write({}, 1);
    }
    [[nodiscard]] const TunWriteReport& report() const { return report_; }

  private:
    int account(int error, const offload::VnetHeader& header, std::size_t packets) {
        if (error == 0)
            report_.written += packets;
        else if (error == EIO)
            report_.down += packets;
        else if (error == EAGAIN || error == ENOBUFS || error == ENOMEM)
            report_.full += packets;
        else if (means_gone(error))
            report_.gone = true;
        else if (header.segmentation == offload::VnetHeader::none || error != EINVAL)
            report_.refused += packets; // a super-packet refused with EINVAL is written again
        return error;
    }

    TunDevice& device_;
    TunWriteReport report_;
    std::array<std::byte, offload::VnetHeader::size> header_bytes_{};
    std::array<iovec, 1 + offload::Coalescer::parts_max> vectors_; // the header's, then left uninitialised beyond the parts
    std::size_t parts_ = 0;
    bool waited_ = false;
};

TunWriteReport TunDevice::write(std::span<const Bytes> packets) {
    Writing writing(*this);
    for (std::size_t i = 0; i < packets.size() && !writing.report().gone; ++i) writing.write_single(packets[i]);
    return writing.report();
}

TunWriteReport TunDevice::write(offload::Coalescer& packets) {
    Writing writing(*this);
    for (std::size_t run = 0; run < packets.size() && !writing.report().gone; ++run) {
        packets.for_each_part(run, [&](Bytes part) { writing.add(part); });
        const offload::VnetHeader header = packets.header(run);
        const int error = writing.write(header, packets.packets(run));
        if (error != EINVAL || header.segmentation == offload::VnetHeader::none) continue;
        (header.segmentation == offload::VnetHeader::udp ? offloads_->udp : offloads_->tcp) = false;
        packets.for_each_packet(run, [&](Bytes packet) { writing.write_single(packet); });
    }
    return writing.report();
}

} // namespace vpn::tun
