#include "presence/messages.hpp"

#include "text/ascii.hpp"
#include "text/utf8.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <optional>

namespace fairlead::presence {

namespace {

constexpr std::size_t longest_type = 64;
constexpr std::size_t longest_room = 128;
constexpr std::size_t deepest_body = 64;

bool is_type(std::string_view type) {
    return !type.empty() && type.size() <= longest_type && std::ranges::all_of(type, [](char c) {
        return text::is_alpha(c) || text::is_digit(c) || std::string_view("_.:-").find(c) != std::string_view::npos;
    });
}

bool is_room(std::string_view room) {
    return !room.empty() && room.size() <= longest_room && text::is_utf8(room) &&
           std::ranges::none_of(room, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

bool is_nobody(const UserId& id) {
    return id.issuer.empty() && id.subject.empty() && id.username.empty();
}

json::Limits limits_of(const json::Slice& slice) {
    return {.size = slice.raw.size(), .depth = deepest_body + 1};
}

/// The room that an object names; nothing when it names none.
std::optional<std::string> room_of(const json::Slice& object) {
    const auto members = json::members<1>(object.raw, {"room"}, limits_of(object));
    return members ? json::text_of((*members)[0]) : std::nullopt;
}

/// Fills `targets`; false when an element is not a user id.
bool read_targets(const json::Slice& target, UserIdForm form, std::vector<UserId>& targets) {
    if (target.kind == json::Kind::object) {
        auto id = read_id(target, form);
        if (!id) {
            return false;
        }
        targets.push_back(std::move(*id));
        return true;
    }
    json::Elements elements(target);
    while (const auto element = elements.next()) {
        auto id = element->kind == json::Kind::object ? read_id(*element, form) : std::nullopt;
        if (!id) {
            return false;
        }
        targets.push_back(std::move(*id));
    }
    return true;
}

} // namespace

Request read_request(std::string_view text, UserIdForm form, std::size_t largest, std::size_t most_targets) {
    const json::Limits limits{.size = largest, .depth = deepest_body + 1};
    const auto members = json::members<3>(text, {"type", "target", "body"}, limits);
    if (!members) {
        return Unreadable{};
    }
    const auto& [type_slice, target, body] = *members;
    const bool has_type = type_slice.present() && !type_slice.is_null();
    const bool has_target = target.present() && !target.is_null();
    const bool is_target = target.kind == json::Kind::object || target.kind == json::Kind::array;
    const auto type = has_type ? json::text_of(type_slice) : std::optional<std::string>("");
    if (!type || (has_target && !is_target)) {
        return Unreadable{};
    }
    std::vector<UserId> targets;
    if (has_target && !read_targets(target, form, targets)) {
        return Unreadable{};
    }
    const auto room = has_target && target.kind == json::Kind::object ? room_of(target) : std::nullopt;

    if (*type == "userList") {
        return ListRequest{};
    }
    if (!is_type(*type)) {
        return Impossible{"reserved-type", {}, std::move(targets)};
    }
    if (*type == "userOnline" || *type == "userOffline") {
        return Impossible{"reserved-type", *type, std::move(targets)};
    }
    if (!has_target && (*type == "join" || *type == "leave") && body.kind == json::Kind::object) {
        if (const auto named = room_of(body); named && is_room(*named)) {
            return *type == "join" ? Request(JoinRoom{*named}) : Request(LeaveRoom{*named});
        }
    }
    if (room && is_room(*room)) {
        targets.clear();
    } else {
        std::erase_if(targets, is_nobody);
        if (targets.empty()) {
            return Impossible{"no-target", *type, {}};
        }
        if (targets.size() > most_targets) {
            return Impossible{"too-many-targets", *type, {}};
        }
    }
    const bool has_body = body.present() && !body.is_null();
    return Relay{.type = *type,
                 .targets = std::move(targets),
                 .room = room.value_or(""),
                 .body = has_body ? body.raw : std::string_view()};
}

std::string write_user_online(const UserInfo& user, UserIdForm form) {
    json::Writer out;
    out.begin_object().member("type", "userOnline").key("body").begin_object().key("user");
    write_info(out, user, form);
    out.end_object().end_object();
    return out.take();
}

std::string write_user_offline(const UserId& user, UserIdForm form) {
    json::Writer out;
    out.begin_object().member("type", "userOffline").key("body").begin_object().key("user");
    write_id(out, user, form);
    out.end_object().end_object();
    return out.take();
}

std::string write_relayed(std::string_view type, const UserId& origin, std::string_view body, UserIdForm form) {
    json::Writer out;
    out.begin_object().member("type", type).key("origin");
    write_id(out, origin, form);
    if (!body.empty()) {
        out.key("body").raw(body);
    }
    out.end_object();
    return out.take();
}

std::string write_error(std::string_view code, std::string_view type, const UserId* target, UserIdForm form) {
    json::Writer out;
    out.begin_object().member("type", "error").key("body").begin_object().member("code", code);
    if (!type.empty()) {
        out.member("type", type);
    }
    const bool repeatable = target != nullptr && target->issuer.size() <= longest_id &&
                            target->subject.size() <= longest_id && target->username.size() <= longest_id;
    if (repeatable) {
        out.key("target");
        write_id(out, *target, form);
    }
    out.end_object().end_object();
    return out.take();
}

} // namespace fairlead::presence
