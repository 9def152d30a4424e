#pragma once

#include "account/shared_secret.hpp"
#include "account/user.hpp"
#include "turn/credentials.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::account {

/// Why a claim does not authenticate, one step finer than the wire and the turn server say.
enum class Diagnosis : std::uint8_t {
    valid_name,        ///< the name is good, so the password is wrong
    expired,           ///< the time in an ephemeral name has passed
    life_too_long,     ///< the time in an ephemeral name is further ahead than this server accepts
    hexadecimal,       ///< the password is the hexadecimal text of the right MAC
    unknown_user,      ///< no such static user, and not the form of an ephemeral name
    not_opaque_string, ///< no string that RFC 8265 lets through
    unknown_userhash,  ///< USERHASH of nobody here; ephemeral names cannot be found by it
    unknown_realm,
};

/// A diagnosis with its figures, for logs: "expired 312 s ago".
struct Explanation {
    Diagnosis diagnosis = Diagnosis::valid_name;
    std::chrono::seconds by{0}; ///< how long ago, or how much too far ahead
    [[nodiscard]] std::string to_string() const;
};

/// The credentials of one realm: static users and shared secrets side by side (coturn allows one or the other).
///
/// - A name is looked for among the static users first, then read as an ephemeral name. Both cost what they cost
/// whether
///   or not somebody by that name exists: an ephemeral name of a right form always gets its MAC, and the server does
///   the integrity check with a dummy key for the rest.
/// - Names of static users, passwords and the realm are compared after OpaqueString preparation. An ephemeral name is
///   taken as sent: its MAC and its key are over those bytes, and other issuers do not prepare.
/// - USERHASH finds static users only: an ephemeral name is not stored anywhere, so its hash cannot be turned back. Do
///   not advertise username anonymity (turn::ServerConfig::username_anonymity) to clients with ephemeral names.
/// - The quota identity is the user part of an ephemeral name, the whole name when it has none, else the user's name.
/// - An expired name is returned with its expiry, so that the server can say why it refuses.
class Credentials final : public turn::Credentials {
public:
    Credentials(Users users, std::shared_ptr<const SharedSecrets> secrets);

    [[nodiscard]] turn::CredentialAnswer find(const turn::Claim& claim, UnixTime now) override;

    /// Says in plain words why a claim failed. `verifies` tells whether a key fits the failed message; without it the
    /// hexadecimal mistake cannot be seen. Never called for requests that succeed.
    [[nodiscard]] Explanation explain(const turn::Claim& claim, UnixTime now,
                                      const std::function<bool(const stun::LongTermKeys&)>& verifies = {}) const;

    [[nodiscard]] const Users& users() const { return users_; }
    [[nodiscard]] const SharedSecrets* secrets() const { return secrets_.get(); }

private:
    [[nodiscard]] static turn::Account account_of(const Users::Entry& user);

    Users users_;
    std::shared_ptr<const SharedSecrets> secrets_;
};

} // namespace fairlead::account
