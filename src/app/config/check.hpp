#pragma once

#include "config/model.hpp"

namespace fairlead::config {

/// A rule between several options that a model breaks.
struct Violation {
    /// The first one is what the message is about.
    std::vector<std::string_view> paths;
    std::string message;
    /// Allowed, but probably not meant.
    bool only_warns = false;
};

/// Everything that no single option can know. Looks at files that the model names (readable, of the right kind), and at
/// nothing else outside.
[[nodiscard]] std::vector<Violation> check(const Model& model);

} // namespace fairlead::config
