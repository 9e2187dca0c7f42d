// The text format that Prometheus reads (its "exposition formats", version 0.0.4): families of samples, each with its help.
// Refuses to know: what is measured.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace vpn::server {

class Exposition {
  public:
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    struct Label {
        std::string_view name;
        std::string_view value; ///< any UTF-8
    };
    using Labels = std::initializer_list<Label>;

    /// Begins a family: what follows are its samples. `help` is one line without backslashes.
    void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }
    void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
    void sample(Labels labels, std::uint64_t value);
    /// With all the digits that tell it from its neighbours.
    void sample(Labels labels, double value);

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    void family(std::string_view name, std::string_view type, std::string_view help);
    void begin_sample(Labels labels);

    std::string text_;
    std::string name_;
};

} // namespace vpn::server
