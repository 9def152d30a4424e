#include "account/credentials.hpp"

#include "text/format.hpp"
#include "text/opaque_string.hpp"

#include <utility>

namespace fairlead::account {

namespace {

std::chrono::seconds magnitude(std::chrono::seconds difference) {
    return difference < std::chrono::seconds::zero() ? -difference : difference;
}

/// Both spellings of an accented name are one user. What cannot be prepared counts as it is.
std::string quota_identity(std::string_view user) {
    return text::opaque_string(user).value_or(std::string(user));
}

} // namespace

std::string Explanation::to_string() const {
    switch (diagnosis) {
    case Diagnosis::valid_name:
        return "wrong password";
    case Diagnosis::expired:
        return fmt::format("expired {} s ago", by.count());
    case Diagnosis::life_too_long:
        return fmt::format("expiry is {} s further ahead than this server accepts", by.count());
    case Diagnosis::hexadecimal:
        return "password is hexadecimal of the right HMAC; clients must send base64";
    case Diagnosis::unknown_user:
        return "no such user, and no expiry in the name";
    case Diagnosis::not_opaque_string:
        return "username has characters that RFC 8265 does not allow";
    case Diagnosis::unknown_userhash:
        return "USERHASH of no user here (ephemeral usernames cannot be hashed)";
    case Diagnosis::unknown_realm:
        return "realm is not ours";
    }
    return "unknown";
}

Credentials::Credentials(Users users, std::shared_ptr<const SharedSecrets> secrets)
    : users_(std::move(users)), secrets_(std::move(secrets)) {}

turn::CredentialAnswer Credentials::find(const turn::Claim& claim, UnixTime now) {
    if (!claim.userhash.empty()) {
        const Users::Entry* const user = users_.find_by_userhash(claim.userhash);
        return user != nullptr ? turn::CredentialAnswer(account_of(*user)) : turn::UnknownUser{};
    }
    if (const Users::Entry* const user = users_.find(claim.username)) {
        return account_of(*user);
    }
    if (secrets_ == nullptr || secrets_->empty()) {
        return turn::UnknownUser{};
    }
    // An expired name gets its keys all the same: the server refuses it by `expires`, after the integrity check, so
    // that somebody who guesses names learns nothing from the answer or its time.
    const auto allowed = secrets_->check(now, claim.username);
    if (!allowed && allowed.error() != SharedSecrets::Refusal::expired) {
        return turn::UnknownUser{};
    }
    const auto name = parse_ephemeral_username(claim.username, secrets_->options().separator);
    turn::Account account;
    account.username = claim.username;
    account.user = quota_identity(name->user.empty() ? claim.username : name->user);
    account.expires = name->expiry;
    for (const std::string& password : secrets_->passwords(claim.username)) {
        if (account.key_count == turn::Account::max_keys) {
            break;
        }
        account.keys[account.key_count++] = stun::long_term_keys(claim.username, users_.realm(), password);
    }
    return account;
}

turn::Account Credentials::account_of(const Users::Entry& user) {
    turn::Account account;
    account.username = user.name;
    account.user = user.name;
    account.keys[0] = user.keys;
    account.key_count = 1;
    return account;
}

Explanation Credentials::explain(const turn::Claim& claim, UnixTime now,
                                 const std::function<bool(const stun::LongTermKeys&)>& verifies) const {
    if (!claim.realm.empty() && text::opaque_string(claim.realm) != users_.realm()) {
        return {.diagnosis = Diagnosis::unknown_realm};
    }
    if (!claim.userhash.empty()) {
        const bool known = users_.find_by_userhash(claim.userhash) != nullptr;
        return {.diagnosis = known ? Diagnosis::valid_name : Diagnosis::unknown_userhash};
    }
    if (users_.find(claim.username) != nullptr) {
        return {.diagnosis = Diagnosis::valid_name};
    }
    const auto nobody = text::opaque_string(claim.username) ? Diagnosis::unknown_user : Diagnosis::not_opaque_string;
    if (secrets_ == nullptr || secrets_->empty()) {
        return {.diagnosis = nobody};
    }
    const auto name = parse_ephemeral_username(claim.username, secrets_->options().separator);
    const auto allowed = secrets_->check(now, claim.username);
    if (!allowed) {
        switch (allowed.error()) {
        case SharedSecrets::Refusal::malformed:
            return {.diagnosis = nobody};
        case SharedSecrets::Refusal::expired:
            return {.diagnosis = Diagnosis::expired, .by = magnitude(now - name->expiry)};
        case SharedSecrets::Refusal::life_too_long:
            return {.diagnosis = Diagnosis::life_too_long, .by = name->expiry - now - secrets_->options().longest_life};
        }
    }
    if (verifies && !secrets_->options().accept_hex) {
        for (const std::string& secret : secrets_->secrets()) {
            if (verifies(stun::long_term_keys(claim.username, users_.realm(),
                                              ephemeral_password_in_hex(secret, claim.username)))) {
                return {.diagnosis = Diagnosis::hexadecimal};
            }
        }
    }
    return {.diagnosis = Diagnosis::valid_name};
}

} // namespace fairlead::account
