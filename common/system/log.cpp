#include "common/system/log.hpp"

#include "common/system/escape.hpp"
#include "common/system/journal.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

namespace vpn::system {
namespace {

constexpr std::array<std::string_view, 4> level_names{"error", "warn", "info", "debug"};

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::debug: break;
    }
    return spdlog::level::debug;
}

/// systemd names the stream that it made as DEVICE:INODE (systemd.exec, JOURNAL_STREAM).
bool leads_to_journal(int fd) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
    return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

/// Of syslog(3).
int priority_of(LogLevel level) {
    switch (level) {
    case LogLevel::error: return LOG_ERR;
    case LogLevel::warn: return LOG_WARNING;
    case LogLevel::info: return LOG_INFO;
    case LogLevel::debug: break;
    }
    return LOG_DEBUG;
}

/// `public_key` -> `VPN_PUBLIC_KEY`: capitals, digits and underscores are all that the journal takes.
std::string journal_name(std::string_view key) {
    std::string name = "VPN_";
    for (const char c : key) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name += plain ? c : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : '_';
    }
    return name;
}

/// `<3>` and so on (sd-daemon): how the journal learns a line's priority, where it takes no entries.
class JournalPriority final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
        const std::string_view prefix = prefix_of(message.level);
        out.append(prefix.data(), prefix.data() + prefix.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<JournalPriority>(); }

  private:
    static std::string_view prefix_of(spdlog::level::level_enum level) {
        if (level >= spdlog::level::err) return "<3>";
        if (level == spdlog::level::warn) return "<4>";
        return level == spdlog::level::info ? "<6>" : "<7>";
    }
};

/// Our own level names: spdlog says "warning".
class LevelName final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
        std::string_view name = "debug";
        if (message.level == spdlog::level::info) name = "info";
        if (message.level == spdlog::level::warn) name = "warn";
        if (message.level >= spdlog::level::err) name = "error";
        out.append(name.data(), name.data() + name.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<LevelName>(); }
};

std::unique_ptr<spdlog::formatter> stderr_format() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<JournalPriority>('*').add_flag<LevelName>('&');
    formatter->set_pattern(leads_to_journal(STDERR_FILENO) ? "%*%v" : "%Y-%m-%dT%H:%M:%S.%eZ %& %v");
    return formatter;
}

spdlog::sink_ptr make_sink(LogTarget target, std::string_view program) {
    if (target == LogTarget::syslog)
        return std::make_shared<spdlog::sinks::syslog_sink_mt>(std::string(program), LOG_PID, LOG_DAEMON, false);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_formatter(stderr_format());
    return sink;
}

} // namespace

std::optional<LogLevel> parse_log_level(std::string_view text) {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names.at(i) == text) return static_cast<LogLevel>(i);
    }
    return std::nullopt;
}

std::string_view to_string(LogLevel level) { return level_names.at(static_cast<std::size_t>(level)); }

class Logger::Sink {
  public:
    Sink(LogTarget target, std::string_view program)
        : program_(program),
          to_journal_(target == LogTarget::standard_error && leads_to_journal(STDERR_FILENO) && journal_is_there()),
          logger_(program_, make_sink(target, program)) {
        logger_.set_level(spdlog::level::debug);
        logger_.flush_on(spdlog::level::debug);
        logger_.set_error_handler([](const std::string&) {}); // a full disk behind stderr is no reason to talk more
    }
    void write(LogLevel level, std::string_view event, Fields fields) {
        if (to_journal_ && write_to_journal(journal_fields(level, program_, event, fields))) return;
        logger_.log(to_spdlog(level), spdlog::string_view_t(format_event(event, fields)));
    }

  private:
    const std::string program_;
    const bool to_journal_;
    spdlog::logger logger_;
};

Logger::Logger(LogLevel level, LogTarget target, std::string_view program)
    : level_(level), sink_(std::make_shared<Sink>(target, program)) {}

void Logger::write(LogLevel level, std::string_view event, Fields fields) const {
    if (!enabled(level)) return;
    try {
        sink_->write(level, event, fields);
    } catch (const std::bad_alloc&) { // whatever it tells of is done: a line less must not undo it
    }
}

std::string format_event(std::string_view event, Logger::Fields fields) {
    std::string line = escaped(event);
    for (const LogField& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        line += quoted_if_needed(field.value);
    }
    return line;
}

std::vector<std::string> journal_fields(LogLevel level, std::string_view program, std::string_view event, Logger::Fields fields) {
    std::vector<std::string> entry{"MESSAGE=" + format_event(event, fields), "PRIORITY=" + std::to_string(priority_of(level)),
                                   "SYSLOG_FACILITY=" + std::to_string(LOG_FAC(LOG_DAEMON)),
                                   "SYSLOG_IDENTIFIER=" + std::string(program), "VPN_EVENT=" + std::string(event)};
    for (const LogField& field : fields) entry.push_back(journal_name(field.key) + '=' + field.value);
    return entry;
}

} // namespace vpn::system
