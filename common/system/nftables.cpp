#include "common/system/nftables.hpp"

#include "common/system/escape.hpp"
#include "common/system/memory_reserve.hpp"

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace vpn::system {
namespace {

/// What a command may take, with the lists of others' rules that it reads by the way, and what each byte of it may add: reckoned
/// with room to spare.
constexpr ByteCount memory_for_nft{std::uint64_t{4} << 20U};
constexpr std::uint64_t memory_per_byte = 64;

/// nft's complaint: its first line, which says what; the rest quotes the command.
std::string first_line(std::string_view complaint) {
    const std::string_view line = complaint.substr(0, complaint.find('\n'));
    return line.empty() ? "no reason given" : escaped(line);
}

std::string drop_table_commands(const std::string& family, const std::string& name) {
    const std::string table = "table " + family + " " + name + "\n";
    return "add " + table + "delete " + table;
}

} // namespace

struct Nftables::Context {
    struct Free {
        void operator()(nft_ctx* context) const { nft_ctx_free(context); }
    };
    std::unique_ptr<nft_ctx, Free> handle;

    /// Everything nft wrote since the last time.
    std::string take_output() const { return nft_ctx_get_output_buffer(handle.get()); }
    std::string take_error() const { return nft_ctx_get_error_buffer(handle.get()); }
};

Nftables::Nftables(std::unique_ptr<Context> context) : context_(std::move(context)) {}
Nftables::Nftables(Nftables&&) noexcept = default;
Nftables& Nftables::operator=(Nftables&&) noexcept = default;
Nftables::~Nftables() = default;

Result<Nftables> Nftables::open() {
    // libnftables ends the process where the kernel has no such socket: ask before it does.
    const UniqueFd probe(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!probe) return os_failed("the kernel has no nftables", errno);
    auto context = std::make_unique<Context>();
    context->handle.reset(nft_ctx_new(NFT_CTX_DEFAULT));
    nft_ctx* handle = context->handle.get();
    if (handle == nullptr) return failed("cannot use nftables: out of memory");
    if (nft_ctx_buffer_output(handle) != 0 || nft_ctx_buffer_error(handle) != 0) {
        return failed("cannot use nftables: out of memory");
    }
    return Nftables(std::move(context));
}

Result<void> Nftables::apply(std::string_view commands) {
    auto answer = list(commands);
    if (!answer) return tl::unexpected(answer.error());
    return {};
}

Result<std::string> Nftables::list(std::string_view command) {
    // libnftables ends the process where it finds no memory: so there must be some.
    if (!make_ready({memory_for_nft.value + command.size() * memory_per_byte})) return failed("nftables: out of memory");
    const int status = nft_run_cmd_from_buffer(context_->handle.get(), std::string(command).c_str());
    std::string output = context_->take_output();
    const std::string complaint = context_->take_error();
    if (status != 0) return failed("nftables: " + first_line(complaint));
    return output;
}

Result<std::string> Nftables::list_with(unsigned flags, std::string_view command) {
    nft_ctx* handle = context_->handle.get();
    const unsigned usual = nft_ctx_output_get_flags(handle);
    nft_ctx_output_set_flags(handle, usual | flags);
    auto listed = list(command);
    nft_ctx_output_set_flags(handle, usual);
    return listed;
}

Result<std::string> Nftables::list_json(std::string_view command, Elements elements) {
    unsigned flags = NFT_CTX_OUTPUT_JSON;
    if (elements == Elements::left_out) flags |= NFT_CTX_OUTPUT_TERSE;
    return list_with(flags, command);
}

Result<std::string> Nftables::shape_of(std::string_view family, std::string_view table) {
    return list_with(NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE,
                     "list table " + std::string(family) + ' ' + std::string(table));
}

Result<ScopedTable> ScopedTable::apply(Nftables& nftables, std::string family, std::string name, std::string_view commands) {
    if (auto applied = nftables.apply(commands); !applied) return tl::unexpected(applied.error());
    return ScopedTable(nftables, std::move(family), std::move(name));
}

ScopedTable ScopedTable::adopt(Nftables& nftables, std::string family, std::string name) {
    return {nftables, std::move(family), std::move(name)};
}

ScopedTable::ScopedTable(ScopedTable&& other) noexcept
    : nftables_(std::exchange(other.nftables_, nullptr)), family_(std::move(other.family_)), name_(std::move(other.name_)) {}

ScopedTable& ScopedTable::operator=(ScopedTable&& other) noexcept {
    if (this != &other) {
        static_cast<void>(revert());
        nftables_ = std::exchange(other.nftables_, nullptr);
        family_ = std::move(other.family_);
        name_ = std::move(other.name_);
    }
    return *this;
}

Result<void> ScopedTable::revert() {
    if (nftables_ == nullptr) return {};
    return std::exchange(nftables_, nullptr)->apply(drop_table_commands(family_, name_));
}

} // namespace vpn::system
