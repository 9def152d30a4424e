#pragma once

#include "config/load.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {

/// What the process ends with. The numbers above 2 are those of sysexits.h where it has one.
namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int failed = 1;             ///< a check whose answer is no
inline constexpr int usage = 2;              ///< the command line or the configuration is wrong
inline constexpr int missing_dependency = 3; ///< a program or service that the command needs is not there
inline constexpr int unavailable = 69;       ///< an address is taken, a server does not answer
inline constexpr int no_permission = 77;
} // namespace exit_code

/// What main() joins to the commands; a command whose function is missing does not exist.
struct Programs {
    /// Runs the server until it is told to stop, and returns the exit code. `sources` is for reading everything again.
    std::function<int(const config::Loaded& configuration, const config::Sources& sources)> serve;
    /// The host that clients are told: advertise.host, or what the server would find.
    std::function<std::string(const config::Model& model)> host;
};

/// The outside world, so that tests can have their own.
struct Surroundings {
    std::ostream& out;
    std::ostream& err;
    std::vector<std::pair<std::string, std::string>> environment;
    /// Read when nothing names a file.
    std::optional<std::filesystem::path> default_file;
};

/// `fairlead <arguments>`; returns the exit code. Does not throw.
[[nodiscard]] int run(std::span<const std::string> arguments, const Programs& programs,
                      const Surroundings& surroundings);

} // namespace fairlead::cli
