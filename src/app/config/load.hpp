#pragma once

#include "config/model.hpp"
#include "config/node.hpp"
#include "result/result.hpp"

#include <filesystem>

namespace fairlead::config {

/// A value from the command line.
struct Assignment {
    std::string path;
    /// One text; several only for a list whose flag was repeated.
    std::vector<std::string> values;
    /// As the user wrote it: "--turn-realm", "--set turn.realm".
    std::string spelled;
    /// The text names a file that holds the value.
    bool names_file = false;
};

struct Sources {
    /// Its directory's conf.d/*.yaml, in the order of their names, are read after it.
    std::optional<std::filesystem::path> file;
    /// All of the process's environment; load() picks its own.
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<Assignment> flags;
};

struct Loaded {
    Model model;
    /// What is allowed but probably not meant.
    Problems warnings;
    /// Files that were read, in order.
    std::vector<std::filesystem::path> files;
};

/// Defaults, then --dev's defaults, then the file, then conf.d, then the environment, then flags: the later wins, a
/// list replaces a list. Either a Model that keeps every rule, or every problem at once.
[[nodiscard]] Result<Loaded, Problems> load(const Sources& sources);

/// /etc/fairlead/fairlead.yaml where it exists.
[[nodiscard]] std::optional<std::filesystem::path> default_file();

/// The process's environment, for Sources.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> process_environment();

} // namespace fairlead::config
