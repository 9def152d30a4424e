#pragma once

#include "result/result.hpp"
#include "time/instant.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::account {

/// Time-limited TURN credentials (draft-uberti-behave-turn-rest-00 section 2.2, as coturn's use-auth-secret reads
/// them): the username carries its own expiry and the password is a MAC of it, so nothing is stored.

struct SharedSecretOptions {
    char separator = ':';
    /// A username that would live longer than this from now is refused; 0 = no limit. coturn has none, so a leaked
    /// helper script there may hand out credentials for a decade.
    std::chrono::seconds longest_life = std::chrono::days{7};
    /// Also accept the hexadecimal text of the MAC as the password, as one widespread example computes it.
    bool accept_hex = false;
};

/// What an ephemeral username says. Views into the username.
struct EphemeralUsername {
    UnixTime expiry;
    std::string_view user; ///< empty when the username is the expiry alone
};

/// `<expiry>`, `<expiry>:<user>` or `<user>:<expiry>`, split at the first separator; the user's own separators belong
/// to the user in the first form. Nothing when no part in the place of the expiry is a decimal number of seconds that
/// fits. A leading separator is refused.
[[nodiscard]] std::optional<EphemeralUsername> parse_ephemeral_username(std::string_view username, char separator);

/// The user part that issue() writes for `user`: percent-encoded where the separator, a percent sign or a control
/// character stands, and where OpaqueString preparation (RFC 8265) would change a character; the SHA-256 in hexadecimal
/// where that is longer than 200 bytes. Distinct users stay distinct.
[[nodiscard]] std::string user_part(std::string_view user, char separator);

/// base64 of HMAC-SHA1(secret, username): 28 characters.
[[nodiscard]] std::string ephemeral_password(std::string_view secret, std::string_view username);
/// The mistaken form of the same MAC: 40 hexadecimal digits.
[[nodiscard]] std::string ephemeral_password_in_hex(std::string_view secret, std::string_view username);

struct EphemeralCredential {
    std::string username;
    std::string password;
    UnixTime expiry;
};

/// One credential service for everybody who hands out or checks ephemeral credentials: the broker, the presence server,
/// both HTTP endpoints and the TURN server share one object (per loop, an immutable snapshot).
class SharedSecrets {
public:
    /// Checks against every secret, issues with the first. Empty ones are left out.
    explicit SharedSecrets(std::vector<std::string> secrets, SharedSecretOptions options = {});

    [[nodiscard]] bool empty() const { return secrets_.empty(); }
    [[nodiscard]] const std::vector<std::string>& secrets() const { return secrets_; }
    [[nodiscard]] const SharedSecretOptions& options() const { return options_; }

    /// A credential for `user` (empty: the username is the expiry alone) that ends `life` from now, but not later than
    /// this server itself would accept. Must not be called when empty().
    [[nodiscard]] EphemeralCredential issue(UnixTime now, std::string_view user, std::chrono::seconds life) const;

    enum class Refusal : std::uint8_t { malformed, expired, life_too_long };
    /// Whether a username may be used at `now`; the password is another matter.
    [[nodiscard]] Result<EphemeralUsername, Refusal> check(UnixTime now, std::string_view username) const;

    /// Every password that is right for `username`: one for each secret, and the hexadecimal forms when they are
    /// accepted.
    [[nodiscard]] std::vector<std::string> passwords(std::string_view username) const;

    /// Constant-time comparison with each of passwords().
    [[nodiscard]] bool accepts(std::string_view username, std::string_view password) const;

private:
    std::vector<std::string> secrets_;
    SharedSecretOptions options_;
};

[[nodiscard]] std::string_view describe(SharedSecrets::Refusal refusal);

} // namespace fairlead::account
