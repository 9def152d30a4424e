#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::telemetry {

/// Label names come from us and their values from small closed sets (transport, reason, worker): nothing that a peer
/// sends becomes a label, so the number of series is bounded.
using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// One scrape: samples in, Prometheus text out. Samples of one name form one family, in the order in which names
/// appeared first.
class Exposition {
public:
    Exposition();
    ~Exposition();
    Exposition(const Exposition&) = delete;
    Exposition& operator=(const Exposition&) = delete;
    Exposition(Exposition&&) = delete;
    Exposition& operator=(Exposition&&) = delete;

    /// `name` ends in _total (or is one of the names that dashboards of other servers know).
    void counter(std::string_view name, std::string_view help, std::uint64_t value, const Labels& labels = {});
    void gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});

    /// Text format 0.0.4.
    [[nodiscard]] std::string text() const;
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::telemetry
