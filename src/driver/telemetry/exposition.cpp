#include "telemetry/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace fairlead::telemetry {

struct Exposition::Impl {
    std::vector<prometheus::MetricFamily> families;

    prometheus::ClientMetric& add(std::string_view name, std::string_view help, prometheus::MetricType type,
                                  const Labels& labels) {
        auto family = std::ranges::find(families, name, &prometheus::MetricFamily::name);
        if (family == families.end()) {
            family = families.insert(families.end(), prometheus::MetricFamily{});
            family->name = name;
            family->help = help;
            family->type = type;
        }
        prometheus::ClientMetric& metric = family->metric.emplace_back();
        for (const auto& [label, value] : labels) {
            prometheus::ClientMetric::Label& entry = metric.label.emplace_back();
            entry.name = label;
            entry.value = value;
        }
        return metric;
    }
};

Exposition::Exposition() : impl_(std::make_unique<Impl>()) {}
Exposition::~Exposition() = default;

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value, const Labels& labels) {
    impl_->add(name, help, prometheus::MetricType::Counter, labels).counter.value = static_cast<double>(value);
}

void Exposition::gauge(std::string_view name, std::string_view help, double value, const Labels& labels) {
    impl_->add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

std::string Exposition::text() const {
    return prometheus::TextSerializer().Serialize(impl_->families);
}

} // namespace fairlead::telemetry
