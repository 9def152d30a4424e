#include "presence/identity.hpp"

#include "text/opaque_string.hpp"
#include "text/utf8.hpp"
#include "json/scan.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <array>

namespace fairlead::presence {

namespace {

constexpr std::size_t longest_typed_name = 64;

bool is_plain_text(std::string_view text) {
    const bool control = std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    return !control && text::is_utf8(text);
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

} // namespace

std::optional<UserIdForm> parse_user_id_form(std::string_view name) {
    if (name == "issuer") {
        return UserIdForm::issuer;
    }
    if (name == "username") {
        return UserIdForm::username;
    }
    return std::nullopt;
}

std::string_view describe(IdentityError error) {
    switch (error) {
    case IdentityError::missing_subject:
        return "subject is missing";
    case IdentityError::missing_username:
        return "username is missing";
    case IdentityError::too_long:
        return "too long";
    case IdentityError::invalid_text:
        return "characters that do not belong into a name";
    }
    return "unknown";
}

std::string UserId::key(UserIdForm form) const {
    // Members of a user who is online have no control characters, so the first NUL is always the one written here.
    return form == UserIdForm::username ? username : issuer + '\0' + subject;
}

Result<void, IdentityError> validate(const UserInfo& user, UserIdForm form) {
    if (form == UserIdForm::issuer && user.subject.empty()) {
        return fail(IdentityError::missing_subject);
    }
    if (form == UserIdForm::username && user.username.empty()) {
        return fail(IdentityError::missing_username);
    }
    for (const std::string* member : {&user.issuer, &user.subject, &user.username}) {
        if (member->size() > longest_id) {
            return fail(IdentityError::too_long);
        }
        if (!is_plain_text(*member)) {
            return fail(IdentityError::invalid_text);
        }
    }
    return {};
}

Result<UserInfo, IdentityError> typed_name(std::string_view name, std::string_view issuer) {
    if (name.empty()) {
        return fail(IdentityError::missing_username);
    }
    const auto prepared = text::opaque_string(name);
    if (!prepared || prepared->front() == ' ' || prepared->back() == ' ') {
        return fail(IdentityError::invalid_text);
    }
    if (characters(*prepared) > longest_typed_name) {
        return fail(IdentityError::too_long);
    }
    return UserInfo{.issuer = std::string(issuer), .subject = *prepared, .username = *prepared};
}

void write_id(json::Writer& out, const UserId& user, UserIdForm form) {
    out.begin_object();
    if (form == UserIdForm::issuer) {
        out.member("issuer", user.issuer).member("subject", user.subject);
    } else {
        out.member("username", user.username);
    }
    out.end_object();
}

void write_info(json::Writer& out, const UserInfo& user, UserIdForm form) {
    out.begin_object();
    if (form == UserIdForm::issuer) {
        out.member("issuer", user.issuer).member("subject", user.subject);
    }
    if (form == UserIdForm::username || !user.username.empty()) {
        out.member("username", user.username);
    }
    out.end_object();
}

std::optional<UserId> read_id(const json::Slice& id, UserIdForm form) {
    const json::Limits limits{.size = id.raw.size(), .depth = json::Limits{}.depth};
    const auto members = json::members<3>(id.raw, {"issuer", "subject", "username"}, limits);
    if (!members) {
        return std::nullopt;
    }
    UserId user;
    const std::array<std::string*, 3> places = {&user.issuer, &user.subject, &user.username};
    const auto first = form == UserIdForm::issuer ? std::size_t{0} : std::size_t{2};
    const auto last = form == UserIdForm::issuer ? std::size_t{1} : std::size_t{2};
    for (std::size_t i = first; i <= last; ++i) {
        const json::Slice& member = (*members)[i];
        if (!member.present() || member.is_null()) {
            continue;
        }
        auto text = json::text_of(member);
        if (!text) {
            return std::nullopt;
        }
        *places[i] = std::move(*text);
    }
    return user;
}

} // namespace fairlead::presence
