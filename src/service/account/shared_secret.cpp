#include "account/shared_secret.hpp"

#include "bytes/base64.hpp"
#include "bytes/hex.hpp"
#include "crypto/hmac.hpp"
#include "text/ascii.hpp"
#include "text/opaque_string.hpp"
#include "text/url.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace fairlead::account {

namespace {

// STUN usernames end at 508 bytes (RFC 8489 section 14.3); this leaves room for the expiry and what a broker adds.
constexpr std::size_t longest_user_part = 200;

std::optional<UnixTime> parse_seconds(std::string_view digits) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    const bool all_digits = std::ranges::all_of(digits, text::is_digit);
    if (error != std::errc{} || end != digits.data() + digits.size() || !all_digits) {
        return std::nullopt;
    }
    return unix_time(seconds);
}

/// Without the overflow that a time near either end of the range invites.
std::int64_t seconds_between(UnixTime from, UnixTime to) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(unix_seconds(to), unix_seconds(from), &difference)) {
        return to > from ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
    }
    return difference;
}

crypto::Sha1 mac(std::string_view secret, std::string_view username) {
    return crypto::hmac_sha1(as_bytes(secret), {as_bytes(username)});
}

} // namespace

std::optional<EphemeralUsername> parse_ephemeral_username(std::string_view username, char separator) {
    const std::size_t split = username.find(separator);
    if (split == std::string_view::npos) {
        const auto expiry = parse_seconds(username);
        return expiry ? std::optional(EphemeralUsername{*expiry, {}}) : std::nullopt;
    }
    const std::string_view before = username.substr(0, split);
    const std::string_view after = username.substr(split + 1);
    if (before.empty()) {
        return std::nullopt;
    }
    if (std::ranges::all_of(before, text::is_digit)) {
        const auto expiry = parse_seconds(before);
        return expiry ? std::optional(EphemeralUsername{*expiry, after}) : std::nullopt;
    }
    const auto expiry = parse_seconds(after);
    return expiry ? std::optional(EphemeralUsername{*expiry, before}) : std::nullopt;
}

std::string user_part(std::string_view user, char separator) {
    const auto encoded = [&](bool ascii_only) {
        return text::percent_encode_where(user, [&](unsigned char byte) {
            return byte == static_cast<unsigned char>(separator) || byte < 0x20 || byte == 0x7f ||
                   (ascii_only && byte >= 0x80);
        });
    };
    std::string part = encoded(false);
    if (!part.empty() && !text::is_opaque_string(part)) {
        part = encoded(true);
    }
    if (part.size() > longest_user_part) {
        return bytes::to_hex(crypto::sha256(as_bytes(user)));
    }
    return part;
}

std::string ephemeral_password(std::string_view secret, std::string_view username) {
    return bytes::to_base64(mac(secret, username));
}

std::string ephemeral_password_in_hex(std::string_view secret, std::string_view username) {
    return bytes::to_hex(mac(secret, username));
}

SharedSecrets::SharedSecrets(std::vector<std::string> secrets, SharedSecretOptions options)
    : secrets_(std::move(secrets)), options_(options) {
    std::erase(secrets_, std::string());
}

EphemeralCredential SharedSecrets::issue(UnixTime now, std::string_view user, std::chrono::seconds life) const {
    const std::chrono::seconds limit = options_.longest_life;
    const UnixTime expiry = now + (limit.count() > 0 ? std::min(life, limit) : life);
    std::string username = std::to_string(unix_seconds(expiry));
    if (!user.empty()) {
        username += options_.separator + user_part(user, options_.separator);
    }
    std::string password = ephemeral_password(secrets_.front(), username);
    return {.username = std::move(username), .password = std::move(password), .expiry = expiry};
}

Result<EphemeralUsername, SharedSecrets::Refusal> SharedSecrets::check(UnixTime now, std::string_view username) const {
    const auto parsed = parse_ephemeral_username(username, options_.separator);
    if (!parsed) {
        return fail(Refusal::malformed);
    }
    const std::int64_t left = seconds_between(now, parsed->expiry);
    if (left < 0) {
        return fail(Refusal::expired);
    }
    if (options_.longest_life.count() > 0 && left > options_.longest_life.count()) {
        return fail(Refusal::life_too_long);
    }
    return *parsed;
}

std::vector<std::string> SharedSecrets::passwords(std::string_view username) const {
    std::vector<std::string> all;
    for (const std::string& secret : secrets_) {
        all.push_back(ephemeral_password(secret, username));
        if (options_.accept_hex) {
            all.push_back(ephemeral_password_in_hex(secret, username));
        }
    }
    return all;
}

bool SharedSecrets::accepts(std::string_view username, std::string_view password) const {
    bool accepted = false;
    for (const std::string& right : passwords(username)) {
        accepted |= crypto::equal(as_bytes(right), as_bytes(password)); // all of them, whichever it is
    }
    return accepted;
}

std::string_view describe(SharedSecrets::Refusal refusal) {
    switch (refusal) {
    case SharedSecrets::Refusal::malformed:
        return "username does not carry an expiry";
    case SharedSecrets::Refusal::expired:
        return "expired";
    case SharedSecrets::Refusal::life_too_long:
        return "expiry is further ahead than allowed";
    }
    return "unknown";
}

} // namespace fairlead::account
