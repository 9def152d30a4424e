#pragma once

#include "config/model.hpp"

#include <string>

namespace fairlead::config {

struct DumpOptions {
    /// Behind every value, as a comment: where it came from.
    bool origin = false;
};

/// The effective configuration as YAML that load() reads back, but for the secrets: of these only a comment says how
/// many there are.
[[nodiscard]] std::string dump(const Model& model, DumpOptions options = {});

/// docs/configuration.md.
[[nodiscard]] std::string reference();

struct Option;
/// What an option is without configuration: "10m", "[3478]"; empty for nothing.
[[nodiscard]] std::string default_text(const Option& option);
/// Empty when --dev does not change the default.
[[nodiscard]] std::string dev_default_text(const Option& option);

} // namespace fairlead::config
