#include "account/user.hpp"

#include "bytes/hex.hpp"
#include "text/opaque_string.hpp"

#include <algorithm>

namespace fairlead::account {

namespace {

// RFC 8489 section 14.3: fewer than 509 bytes.
constexpr std::size_t longest_name = 508;

Result<std::string, UserError> prepare_name(std::string_view name) {
    if (name.empty()) {
        return fail(UserError::empty_name);
    }
    auto prepared = text::opaque_string(name);
    if (!prepared) {
        return fail(UserError::not_opaque_string);
    }
    if (prepared->size() > longest_name) {
        return fail(UserError::name_too_long);
    }
    return std::move(*prepared);
}

} // namespace

std::string_view describe(UserError error) {
    switch (error) {
    case UserError::no_separator:
        return "not of the form name:password";
    case UserError::empty_name:
        return "the name is empty";
    case UserError::empty_password:
        return "the password is empty";
    case UserError::bad_key:
        return "a key is 0x and 32 hexadecimal digits";
    case UserError::not_opaque_string:
        return "characters that RFC 8265 does not allow in names and passwords";
    case UserError::name_too_long:
        return "the name is longer than 508 bytes";
    case UserError::duplicate:
        return "the name occurs twice";
    }
    return "unknown";
}

Result<User, UserError> User::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return fail(UserError::no_separator);
    }
    const std::string_view name = text.substr(0, colon);
    const std::string_view secret = text.substr(colon + 1);
    if (!secret.starts_with("0x")) {
        return with_password(name, secret);
    }
    const auto key = bytes::from_hex(secret.substr(2));
    crypto::Md5 md5{};
    if (!key || key->size() != md5.size()) {
        return fail(UserError::bad_key);
    }
    std::ranges::copy(*key, md5.begin());
    return with_key(name, md5);
}

Result<User, UserError> User::with_password(std::string_view name, std::string_view password) {
    auto prepared = prepare_name(name);
    if (!prepared) {
        return fail(prepared.error());
    }
    if (password.empty()) {
        return fail(UserError::empty_password);
    }
    auto prepared_password = text::opaque_string(password);
    if (!prepared_password) {
        return fail(UserError::not_opaque_string);
    }
    return User{.name = std::move(*prepared), .secret = std::move(*prepared_password)};
}

Result<User, UserError> User::with_key(std::string_view name, const crypto::Md5& key) {
    auto prepared = prepare_name(name);
    if (!prepared) {
        return fail(prepared.error());
    }
    return User{.name = std::move(*prepared), .secret = key};
}

Users::Users(std::string_view realm) : realm_(text::opaque_string(realm).value_or(std::string(realm))) {}

Result<void, UserError> Users::add(const User& user) {
    stun::LongTermKeys keys;
    if (const auto* password = std::get_if<std::string>(&user.secret)) {
        keys = stun::long_term_keys(user.name, realm_, *password);
    } else {
        keys.md5 = std::get<crypto::Md5>(user.secret);
    }
    const auto [place, is_new] = by_name_.try_emplace(user.name, Entry{.name = user.name, .keys = keys});
    if (!is_new) {
        return fail(UserError::duplicate);
    }
    by_userhash_.emplace(as_text(stun::userhash(user.name, realm_)), &place->second);
    return {};
}

const Users::Entry* Users::find(std::string_view name) const {
    if (const auto found = by_name_.find(name); found != by_name_.end()) {
        return &found->second;
    }
    const auto prepared = text::opaque_string(name);
    if (!prepared || *prepared == name) {
        return nullptr;
    }
    const auto found = by_name_.find(*prepared);
    return found != by_name_.end() ? &found->second : nullptr;
}

const Users::Entry* Users::find_by_userhash(Bytes hash) const {
    const auto found = by_userhash_.find(as_text(hash));
    return found != by_userhash_.end() ? found->second : nullptr;
}

} // namespace fairlead::account
