#pragma once

#include "cli/cli.hpp"

#include <chrono>

/// What each subcommand does once its arguments are known. All return an exit code.
namespace fairlead::cli {

[[nodiscard]] int serve(const config::Sources& sources, const Programs& programs, const Surroundings& surroundings);

[[nodiscard]] int check_config(const config::Sources& sources, const Surroundings& surroundings);

[[nodiscard]] int dump_config(const config::Sources& sources, bool origin, const Surroundings& surroundings);

/// `peer` is an address, or an address and a port. 0: allowed, 1: refused.
[[nodiscard]] int check_peer(const config::Sources& sources, const std::string& peer, const Surroundings& surroundings);

struct CredentialArguments {
    std::string user;
    /// Empty: rtcconfig.credential-life.
    std::string life;
    bool json = false;
};
/// Prints a time-limited credential made with the first configured secret, or the one in the state directory.
[[nodiscard]] int credential(const config::Sources& sources, const CredentialArguments& arguments,
                             const Programs& programs, const Surroundings& surroundings);

struct HealthArguments {
    /// Asks /readyz instead of /healthz.
    bool ready = false;
    /// Empty: the first of listen.admin.
    std::string address;
    std::chrono::milliseconds timeout = std::chrono::seconds(5);
};
/// 0 when a running server says that it is well, 1 when it says no or does not answer in time.
[[nodiscard]] int health(const config::Sources& sources, const HealthArguments& arguments,
                         const Surroundings& surroundings);

[[nodiscard]] int version(bool json, const Surroundings& surroundings);

/// A completion script for bash. `commands`: the names of all subcommands.
[[nodiscard]] std::string bash_completion(std::span<const std::string> commands);

/// The configuration; or nothing, after the problems have been told. Warnings are told, too.
[[nodiscard]] std::optional<config::Loaded> load_or_tell(const config::Sources& sources,
                                                         const Surroundings& surroundings);

} // namespace fairlead::cli
