#pragma once

#include "bytes/bytes.hpp"
#include "stun/credential.hpp"
#include "time/instant.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace fairlead::turn {

/// Who claims to send a request. Exactly one of username and userhash is not empty.
struct Claim {
    std::string_view realm{};
    std::string_view username{};
    Bytes userhash{}; ///< 32 bytes, stun::userhash(); only when the server advertises username anonymity
};

/// A user as the credential store knows it.
struct Account {
    /// With rotating shared secrets several passwords are valid at once; all are tried.
    static constexpr std::size_t max_keys = 4;

    std::string username{}; ///< the name on the wire; resolved when the claim was a userhash
    std::string user{};     ///< the quota identity: the user part of a time-limited name, else the username
    std::array<stun::LongTermKeys, max_keys> keys{};
    std::size_t key_count = 0; ///< 1 to max_keys
    /// Requests are refused (401) once the wall clock is past this, allocations outlive it (or not, see
    /// ServerConfig::lifetime_ends_with_credential).
    UnixTime expires = UnixTime::max();

    [[nodiscard]] std::span<const stun::LongTermKeys> candidates() const { return std::span(keys).first(key_count); }
};

struct UnknownUser {};
/// The store has to ask somebody: the server emits KeyWanted and goes on when provide_key() is called.
struct AnswersLater {};

using CredentialAnswer = std::variant<Account, UnknownUser, AnswersLater>;

/// Where keys come from. Called once per authenticated request, so it must be quick (cache derived keys) and must take
/// the same time for known and unknown names as far as it can; the server does the same HMAC work for both.
class Credentials {
public:
    virtual ~Credentials() = default;
    [[nodiscard]] virtual CredentialAnswer find(const Claim& claim, UnixTime now) = 0;
};

} // namespace fairlead::turn
