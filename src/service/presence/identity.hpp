#pragma once

#include "result/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::json {
struct Slice;
class Writer;
} // namespace fairlead::json

namespace fairlead::presence {

/// How users are named on the wire; a deployment offers one of them.
enum class UserIdForm : std::uint8_t {
    issuer,   ///< {"issuer":ISS,"subject":SUB}
    username, ///< {"username":NAME}
};
[[nodiscard]] std::optional<UserIdForm> parse_user_id_form(std::string_view name);

/// The longest member of a user id, in bytes.
inline constexpr std::size_t longest_id = 512;

/// Names a user. In the username form only `username` counts: users of different issuers with one name are one user.
struct UserId {
    std::string issuer;
    std::string subject;
    std::string username;

    /// One string per user, for tables and quotas: never empty, injective.
    [[nodiscard]] std::string key(UserIdForm form) const;
};

/// What the driver knows of a user when the session begins: from a verified token, or typed in by hand.
struct UserInfo {
    std::string issuer;
    std::string subject;
    std::string username; ///< may be empty in the issuer form; then it is left out

    [[nodiscard]] UserId id() const { return {issuer, subject, username}; }
};

enum class IdentityError : std::uint8_t { missing_subject, missing_username, too_long, invalid_text };
[[nodiscard]] std::string_view describe(IdentityError error);

/// Whether the roster can carry this user: the members that the form needs are there, valid UTF-8 without control
/// characters and at most longest_id bytes each.
[[nodiscard]] Result<void, IdentityError> validate(const UserInfo& user, UserIdForm form);

/// A name typed in by hand (no identity provider configured): 1 to 64 visible characters, spaces inside allowed, no
/// control, format or unassigned characters. Returns the user it stands for; its issuer is `issuer`.
[[nodiscard]] Result<UserInfo, IdentityError> typed_name(std::string_view name, std::string_view issuer);

/// {"issuer":…,"subject":…} or {"username":…}
void write_id(json::Writer& out, const UserId& user, UserIdForm form);
/// The id and, in the issuer form, the username when there is one.
void write_info(json::Writer& out, const UserInfo& user, UserIdForm form);

/// Reads a user id object. Nothing when it is not an object or a member of the form is not text; members that are
/// missing stay empty; others are ignored. `id` must be a validated slice.
[[nodiscard]] std::optional<UserId> read_id(const json::Slice& id, UserIdForm form);

} // namespace fairlead::presence
