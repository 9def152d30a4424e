#pragma once

#include <cstdint>
#include <string>

namespace fairlead::config {

/// Where a value, or a mistake in one, came from.
struct Origin {
    enum class Kind : std::uint8_t { builtin, dev, file, environment, flag };

    Kind kind = Kind::builtin;
    /// The file's path, the variable's name or the flag; empty for built-in and development defaults.
    std::string name;
    /// Both from 1; 0 where the source has no lines.
    unsigned line = 0;
    unsigned column = 0;

    /// "default", "default of --dev", "fairlead.yaml:3:5", "environment FAIRLEAD_TURN__REALM", "flag --turn-realm".
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Origin&, const Origin&) = default;
};

} // namespace fairlead::config
