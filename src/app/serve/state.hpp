#pragma once

#include "result/result.hpp"
#include "stream/tls_context.hpp"
#include "time/instant.hpp"

#include <filesystem>
#include <span>
#include <string>

namespace fairlead::serve {

/// Why the state directory or what lies in it cannot be used, in words for the operator: what, where, and what to do.
struct StateError {
    std::string message;
};

/// What the server makes for itself at its first start and keeps: directory 0700, secrets 0600.
class State {
public:
    /// Makes the directory when it is missing.
    [[nodiscard]] static Result<State, StateError> open(const std::filesystem::path& directory);

    /// The shared secret of time-limited credentials: 256 random bits in hexadecimal, made once.
    [[nodiscard]] Result<std::string, StateError> secret() const;

    /// The self-signed certificate, made once; made anew when it ends within a month or does not cover `names`.
    [[nodiscard]] Result<stream::CertificatePem, StateError> certificate(std::span<const std::string> names,
                                                                         UnixTime now) const;

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

private:
    explicit State(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

} // namespace fairlead::serve
