#include "vpn-client/dns/dns_journal.hpp"

#include "common/base/encoding.hpp"
#include "common/config/json.hpp"
#include "common/config/names.hpp"
#include "common/system/directory.hpp"
#include "common/system/files.hpp"
#include "vpn-client/connection_name.hpp"

#include <array>
#include <filesystem>

namespace vpn::client {
namespace {

using config::Json;
using Kind = SavedFile::Kind;

constexpr std::string_view file_start = "client-";
constexpr std::string_view file_end = ".dns";
constexpr std::array<std::string_view, 3> kind_names{"nothing", "link", "file"};

std::string path_of(std::string_view name) {
    return std::string(state_directory) + '/' + std::string(file_start) + std::string(name) + std::string(file_end);
}

/// Others wrote it: in whatever encoding.
std::string hex_of(std::string_view text) { return format_hex(bytes_of(text)); }

std::optional<std::string> text_at(const Json& json, std::string_view key) {
    const auto hex = json.string_at(key);
    if (!hex || hex->size() % 2 != 0) return std::nullopt;
    std::string text(hex->size() / 2, '\0');
    if (!parse_hex(*hex, std::as_writable_bytes(std::span(text)))) return std::nullopt;
    return text;
}

std::optional<Kind> kind_at(const Json& json) {
    const auto name = json.string_at("kind");
    for (std::size_t i = 0; i < kind_names.size(); ++i)
        if (name == kind_names.at(i)) return static_cast<Kind>(i);
    return std::nullopt;
}

Json to_json(const ReplacedFile& file) {
    return Json::object({{"text", hex_of(file.text)},
                         {"kind", kind_names.at(static_cast<std::size_t>(file.before.kind))},
                         {"content", hex_of(file.before.content)},
                         {"mode", file.before.mode},
                         {"owner", file.before.owner},
                         {"group", file.before.group}});
}

std::optional<ReplacedFile> file_from(const Json& json) {
    const auto text = text_at(json, "text");
    const auto kind = kind_at(json);
    const auto content = text_at(json, "content");
    const auto mode = json.integer_at("mode");
    const auto owner = json.integer_at("owner");
    const auto group = json.integer_at("group");
    if (!text || !kind || !content || !mode || !owner || !group) return std::nullopt;
    return ReplacedFile{*text,
                        {*kind, *content, static_cast<mode_t>(*mode), static_cast<uid_t>(*owner), static_cast<gid_t>(*group)}};
}

} // namespace

std::string encode(const DnsJournal& journal) {
    return format(Json::object({{"version", 1},
                                {"name", journal.name},
                                {"record", journal.record},
                                {"file", journal.file ? to_json(*journal.file) : Json()}})) +
           '\n';
}

std::optional<DnsJournal> decode_dns_journal(std::string_view text) {
    const auto json = config::parse(text);
    if (!json || json->integer_at("version") != 1) return std::nullopt;
    const auto name = json->string_at("name");
    const auto record = json->string_at("record");
    const Json* file = json->find("file");
    if (!name || !config::is_interface_name(*name) || !record || file == nullptr) return std::nullopt;
    DnsJournal journal{std::string(*name), std::string(*record), std::nullopt};
    if (file->is_null()) return journal;
    journal.file = file_from(*file);
    if (!journal.file) return std::nullopt;
    return journal;
}

Result<void> write_dns_journal(const DnsJournal& journal) {
    auto written = system::write_private_file(path_of(journal.name), encode(journal));
    if (!written) return failed(written.error().message);
    return {};
}

std::optional<DnsJournal> read_dns_journal(std::string_view name) {
    const auto text = system::read_private_file(path_of(name));
    return text ? decode_dns_journal(*text) : std::nullopt;
}

void remove_dns_journal(std::string_view name) { static_cast<void>(system::remove_file(path_of(name))); }

std::vector<DnsJournal> read_dns_journals() {
    std::vector<DnsJournal> journals;
    for (const std::filesystem::path& path : system::paths_in(state_directory)) {
        const std::string file = path.filename();
        if (!file.starts_with(file_start) || !file.ends_with(file_end)) continue;
        const auto text = system::read_private_file(path);
        if (!text) continue;
        if (auto journal = decode_dns_journal(*text)) journals.push_back(std::move(*journal));
    }
    return journals;
}

} // namespace vpn::client
