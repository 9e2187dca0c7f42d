// Events for whoever runs the machine: one line each, key=value, never one per packet.
// Refuses to know: who reads them. The journal gets an entry with fields, elsewhere a line has a time and a level in front.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::system {

enum class LogLevel : std::uint8_t { error, warn, info, debug };
/// `error`, `warn`, `info` or `debug`.
std::optional<LogLevel> parse_log_level(std::string_view text);
std::string_view to_string(LogLevel level);

enum class LogTarget : std::uint8_t {
    standard_error, ///< or the journal itself, if that is where it leads
    syslog,         ///< for a process that has let go of its terminal
};

/// One `key=value`. Values are quoted and escaped when they need it.
struct LogField {
    LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
    LogField(std::string_view name, const char* text) : key(name), value(text) {}
    LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
    LogField(std::string_view name, bool flag) : key(name), value(flag ? "yes" : "no") {}
    template <std::integral T> LogField(std::string_view name, T number) : key(name), value(std::to_string(number)) {}
    template <class T>
    requires requires(const T& object) {
        { object.to_string() } -> std::convertible_to<std::string>;
    }
    LogField(std::string_view name, const T& object) : key(name), value(object.to_string()) {}

    std::string_view key;
    std::string value;
};

/// Thread-safe. Copies share one target.
class Logger {
  public:
    using Fields = std::initializer_list<LogField>;

    /// `program` is the name that syslog shows.
    Logger(LogLevel level, LogTarget target, std::string_view program);

    void error(std::string_view event, Fields fields = {}) const { write(LogLevel::error, event, fields); }
    void warn(std::string_view event, Fields fields = {}) const { write(LogLevel::warn, event, fields); }
    void info(std::string_view event, Fields fields = {}) const { write(LogLevel::info, event, fields); }
    void debug(std::string_view event, Fields fields = {}) const { write(LogLevel::debug, event, fields); }
    /// False: building fields for this level would be for nothing.
    [[nodiscard]] bool enabled(LogLevel level) const { return level <= level_; }

  private:
    class Sink;
    void write(LogLevel level, std::string_view event, Fields fields) const;

    LogLevel level_;
    std::shared_ptr<Sink> sink_;
};

/// `event key=value key=value`, as a log line has it behind its time and level.
std::string format_event(std::string_view event, Logger::Fields fields);

/// The same as fields for the journal: the line as MESSAGE, and VPN_EVENT and VPN_KEY of each key with its value as it is.
std::vector<std::string> journal_fields(LogLevel level, std::string_view program, std::string_view event, Logger::Fields fields);

} // namespace vpn::system
