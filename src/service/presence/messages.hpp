#pragma once

#include "presence/identity.hpp"
#include "json/scan.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::presence {

/// What a client may ask for, once the JSON is understood.
struct ListRequest {};
struct JoinRoom {
    std::string room;
};
struct LeaveRoom {
    std::string room;
};
struct Relay {
    std::string type;
    std::vector<UserId> targets;
    std::string room;      ///< when the target is a room
    std::string_view body; ///< as written; empty when there is none to pass on
};
/// Understood, but not possible; answered with an error message.
struct Impossible {
    std::string_view code;
    std::string type; ///< empty when it is not fit to be repeated
    std::vector<UserId> targets;
};
/// Closed with 1007.
struct Unreadable {};

using Request = std::variant<ListRequest, JoinRoom, LeaveRoom, Relay, Impossible, Unreadable>;

/// `text` must outlive the request.
[[nodiscard]] Request read_request(std::string_view text, UserIdForm form, std::size_t largest,
                                   std::size_t most_targets);

[[nodiscard]] std::string write_user_online(const UserInfo& user, UserIdForm form);
[[nodiscard]] std::string write_user_offline(const UserId& user, UserIdForm form);
[[nodiscard]] std::string write_relayed(std::string_view type, const UserId& origin, std::string_view body,
                                        UserIdForm form);
[[nodiscard]] std::string write_error(std::string_view code, std::string_view type, const UserId* target,
                                      UserIdForm form);

} // namespace fairlead::presence
