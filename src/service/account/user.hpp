#pragma once

#include "bytes/bytes.hpp"
#include "crypto/hash.hpp"
#include "result/result.hpp"
#include "stun/credential.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace fairlead::account {

enum class UserError : std::uint8_t {
    no_separator,
    empty_name,
    empty_password,
    bad_key,
    not_opaque_string,
    name_too_long,
    duplicate,
};
[[nodiscard]] std::string_view describe(UserError error);

/// Somebody with a long-term credential that does not expire.
struct User {
    /// After OpaqueString preparation (RFC 8265), at most 508 bytes (RFC 8489 section 14.3).
    std::string name;
    /// The prepared password, or the MD5 key of RFC 8489 section 9.2.2 alone (then SHA-256 cannot authenticate).
    std::variant<std::string, crypto::Md5> secret;

    /// "name:password" or "name:0x" and the 32 hexadecimal digits of the key, as coturn's `user` option. The name ends
    /// at the first colon.
    [[nodiscard]] static Result<User, UserError> parse(std::string_view text);
    [[nodiscard]] static Result<User, UserError> with_password(std::string_view name, std::string_view password);
    [[nodiscard]] static Result<User, UserError> with_key(std::string_view name, const crypto::Md5& key);
};

/// The static users of one realm, found by name or by USERHASH, with their keys ready.
class Users {
public:
    /// `realm` is prepared here.
    explicit Users(std::string_view realm);

    struct Entry {
        std::string name;
        stun::LongTermKeys keys;
    };

    [[nodiscard]] const std::string& realm() const { return realm_; }
    [[nodiscard]] std::size_t size() const { return by_name_.size(); }
    [[nodiscard]] bool empty() const { return by_name_.empty(); }

    Result<void, UserError> add(const User& user);
    /// `name` as it came from the wire. RFC 8489 section 14.3 has the client prepare it; one that did not is found all
    /// the same.
    [[nodiscard]] const Entry* find(std::string_view name) const;
    /// `hash` is 32 bytes (RFC 8489 section 14.4).
    [[nodiscard]] const Entry* find_by_userhash(Bytes hash) const;

private:
    struct Hash {
        using is_transparent = void;
        [[nodiscard]] std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    std::string realm_;
    std::unordered_map<std::string, Entry, Hash, std::equal_to<>> by_name_;
    std::unordered_map<std::string, const Entry*, Hash, std::equal_to<>> by_userhash_; // nodes of by_name_ never move
};

} // namespace fairlead::account
