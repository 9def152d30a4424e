#include "serve/state.hpp"

#include "bytes/hex.hpp"
#include "process/descriptor.hpp"
#include "process/random.hpp"
#include "text/ascii.hpp"
#include "text/format.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace fairlead::serve {

namespace {

constexpr auto renew_before = std::chrono::days(30);

StateError failed(std::string_view what, const std::filesystem::path& path, int error) {
    return {fmt::format("{} {}: {} (user id {}); choose another directory with server.state-dir", what, path.string(),
                        std::strerror(error), geteuid())};
}

std::string read_all(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Written under another name first, so that a crash never leaves half a secret behind. Returns errno, or 0.
int write_private(const std::filesystem::path& path, std::string_view content) {
    const std::filesystem::path temporary = path.string() + ".new";
    process::Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) {
        return errno;
    }
    while (!content.empty()) {
        const ssize_t n = ::write(file.get(), content.data(), content.size());
        if (n < 0) {
            return errno;
        }
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(file.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
        return errno;
    }
    return 0;
}

} // namespace

Result<State, StateError> State::open(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return fail(failed("cannot make the state directory", directory, error.value()));
    }
    if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
        return fail(failed("cannot use the state directory", directory, errno));
    }
    // Keys lie in it. A directory that belongs to somebody else keeps its mode: the files in it are 0600 anyway.
    static_cast<void>(::chmod(directory.c_str(), 0700));
    return State(std::filesystem::absolute(directory));
}

Result<std::string, StateError> State::secret() const {
    const std::filesystem::path path = directory_ / "turn-secret";
    if (std::filesystem::exists(path)) {
        std::string secret = read_all(path);
        while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) {
            secret.pop_back();
        }
        if (secret.size() < 16) {
            return fail(StateError{
                fmt::format("{} cannot be read or holds less than 16 characters; delete it to have a new secret made "
                            "(clients need new credentials then)",
                            path.string())});
        }
        return secret;
    }
    std::array<std::byte, 32> random{};
    process::SystemRandom().fill(random);
    std::string secret = bytes::to_hex(random);
    if (const int error = write_private(path, secret + "\n"); error != 0) {
        return fail(failed("cannot write the secret to", path, error));
    }
    return secret;
}

Result<stream::CertificatePem, StateError> State::certificate(std::span<const std::string> names, UnixTime now) const {
    const std::filesystem::path chain = directory_ / "self-signed.crt";
    const std::filesystem::path key = directory_ / "self-signed.key";
    if (std::filesystem::exists(chain) && std::filesystem::exists(key)) {
        if (auto stored = stream::load_certificate(chain.string(), key.string())) {
            if (const auto context = stream::TlsContext::server(*stored, {})) {
                const std::vector<std::string> covered = (*context)->names();
                const bool covers = std::ranges::all_of(
                    names, [&](const std::string& name) { return std::ranges::find(covered, name) != covered.end(); });
                if (covers && (*context)->not_after() > now + renew_before) {
                    return *std::move(stored);
                }
            }
        }
    }
    stream::CertificatePem made = stream::make_self_signed(names, now);
    if (const int error = stream::store_certificate(made, chain.string(), key.string()); error != 0) {
        return fail(failed("cannot write the certificate to", chain, error));
    }
    return made;
}

} // namespace fairlead::serve
