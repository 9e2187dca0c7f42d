#include "vpn-client/dns/resolv_conf_keeper.hpp"

#include "common/system/files.hpp"
#include "vpn-client/dns/resolv_conf.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

namespace vpn::client {
namespace {

using Kind = SavedFile::Kind;

/// Who rewrites it more often than this in so much time means it.
constexpr unsigned most_overruled = 5;
constexpr std::chrono::minutes overruled_within{10};
constexpr mode_t usual_mode = 0644;
/// Without its directory.
constexpr std::string_view file_name = "resolv.conf";
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM;

bool is_text(const SavedFile& file, std::string_view text) { return file.kind == Kind::file && file.content == text; }

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

/// Who writes line by line, and is overruled in the middle, has the rest of it behind our text.
void append_text(SavedFile& file, std::string_view text) {
    if (file.kind != Kind::file) return;
    if (!file.content.empty() && !file.content.ends_with('\n')) file.content += '\n';
    file.content += text;
}

/// What the C library finds there, links followed.
std::string readable_text() { return system::read_file(resolv_conf_path).value_or(""); }

/// The other connection that found this text and took its place.
std::optional<DnsJournal> journal_on(std::string_view text, std::string_view connection) {
    for (DnsJournal& journal : read_dns_journals())
        if (journal.name != connection && journal.file && is_text(journal.file->before, text)) return std::move(journal);
    return std::nullopt;
}

} // namespace

void put_back_resolv_conf(const DnsJournal& journal) {
    if (!journal.file) return;
    remove_unfinished(resolv_conf_path);
    const auto now = save_file(resolv_conf_path);
    if (now && is_text(*now, journal.file->text)) {
        static_cast<void>(put_file(resolv_conf_path, journal.file->before));
    } else if (auto above = journal_on(journal.file->text, journal.name)) {
        above->file->before = journal.file->before;
        static_cast<void>(write_dns_journal(*above));
    }
}

Result<ResolvConfKeeper> ResolvConfKeeper::apply(DnsPlan plan, std::string connection) {
    auto before = save_file(resolv_conf_path);
    if (!before) return tl::unexpected(before.error());
    ResolvConfKeeper keeper(std::move(plan), std::move(connection));
    keeper.inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (keeper.inotify_)
        ::inotify_add_watch(keeper.inotify_.get(), std::filesystem::path(resolv_conf_path).parent_path().c_str(), changes);
    if (auto taken = keeper.take_place(std::move(*before)); !taken) {
        remove_dns_journal(std::exchange(keeper.connection_, {}));
        return tl::unexpected(taken.error());
    }
    return keeper;
}

ResolvConfKeeper::ResolvConfKeeper(ResolvConfKeeper&& other) noexcept
    : plan_(std::move(other.plan_)), connection_(std::exchange(other.connection_, {})), text_(std::move(other.text_)),
      inotify_(std::move(other.inotify_)), watched_file_(other.watched_file_), overruled_(other.overruled_),
      last_overruled_(other.last_overruled_) {}

ResolvConfKeeper::~ResolvConfKeeper() {
    if (connection_.empty()) return;
    if (const auto journal = read_dns_journal(connection_)) put_back_resolv_conf(*journal);
    remove_dns_journal(connection_);
}

Result<void> ResolvConfKeeper::take_place(SavedFile before) {
    SavedFile ours{Kind::file, format_resolv_conf(plan_, connection_, parse_resolv_conf(readable_text())), usual_mode, 0, 0};
    if (auto written = write_dns_journal({connection_, {}, ReplacedFile{ours.content, std::move(before)}}); !written)
        return written;
    text_ = ours.content;
    auto put = put_file(resolv_conf_path, ours);
    watch();
    return put;
}

/// The file itself too: where it is a mount point, its directory is told nothing.
void ResolvConfKeeper::watch() {
    if (watched_file_ >= 0) ::inotify_rm_watch(inotify_.get(), watched_file_);
    watched_file_ = ::inotify_add_watch(inotify_.get(), resolv_conf_path, IN_CLOSE_WRITE | IN_MODIFY);
}

bool ResolvConfKeeper::handle_events() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    bool touched = false;
    for (;;) {
        const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (got <= 0) return touched;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, &buffer.at(at), sizeof event);
            const std::string_view name(event.len > 0 ? &buffer.at(at + sizeof event) : "");
            touched = touched || event.wd == watched_file_ || name == file_name;
            at += sizeof event + event.len;
        }
    }
}

bool ResolvConfKeeper::is_covered() const { return journal_on(text_, connection_).has_value(); }

ResolvConfKeeper::News ResolvConfKeeper::look(Boot now) {
    auto found = save_file(resolv_conf_path);
    if (!found || is_text(*found, text_) || is_covered()) return News::none;
    const unsigned times = now - last_overruled_ > overruled_within ? 1 : overruled_ + 1;
    if (times > most_overruled) return News::gave_up;
    auto journal = read_dns_journal(connection_);
    SavedFile before = journal && journal->file ? std::move(journal->file->before) : *found;
    if (found->content.starts_with(text_)) {
        append_text(before, std::string_view(found->content).substr(text_.size()));
    } else if (!found->content.starts_with(first_line(text_)) && found->kind != Kind::nothing) {
        before = std::move(*found);
    }
    const auto taken = take_place(std::move(before));
    overruled_ = times; // last: he need not have done so again where memory did not suffice for this
    last_overruled_ = now;
    return taken ? News::overruled : News::gave_up;
}

} // namespace vpn::client
