#pragma once

#include "net/address.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::turn {

/// Unique within one Server for its life.
using AllocationId = std::uint64_t;

/// Application data relayed for one allocation, headers not counted.
struct Traffic {
    std::uint64_t packets_to_peers = 0;
    std::uint64_t bytes_to_peers = 0;
    std::uint64_t packets_to_client = 0;
    std::uint64_t bytes_to_client = 0;
};

struct AllocationCreated {
    AllocationId id = 0;
    net::FiveTuple path{};
    std::string username{};
    std::string user{}; ///< quota identity
    net::TransportAddress relayed{};
    std::optional<net::TransportAddress> additional{}; ///< ADDITIONAL-ADDRESS-FAMILY
    std::chrono::seconds lifetime{};
};
struct AllocationRefreshed {
    AllocationId id = 0;
    std::chrono::seconds lifetime{};
};
enum class EndReason : std::uint8_t {
    refreshed_to_zero, ///< the client said goodbye
    expired,
    connection_closed,
    ended_by_operator, ///< end_allocation(), end_user()
};
[[nodiscard]] std::string_view describe(EndReason reason);
struct AllocationEnded {
    AllocationId id = 0;
    net::FiveTuple path{};
    std::string username{};
    std::string user{};
    EndReason reason = EndReason::expired;
    Duration duration{};
    Traffic traffic{};
};
/// Created or refreshed; also by ChannelBind.
struct PermissionInstalled {
    AllocationId id = 0;
    net::IpAddress peer{};
    std::chrono::seconds lifetime{};
};
struct PermissionEnded {
    AllocationId id = 0;
    net::IpAddress peer{};
};
struct ChannelBound {
    AllocationId id = 0;
    std::uint16_t channel = 0;
    net::TransportAddress peer{};
    std::chrono::seconds lifetime{};
};
struct ChannelEnded {
    AllocationId id = 0;
    std::uint16_t channel = 0;
    net::TransportAddress peer{};
};

enum class AuthFailure : std::uint8_t {
    unknown_user,
    wrong_password,
    credential_expired,
    stale_nonce,  ///< ours, too old
    forged_nonce, ///< not ours, or another client's
    wrong_realm,
    missing_attributes,
    downgraded, ///< password algorithms do not match what the nonce promised, or are not allowed here
};
[[nodiscard]] std::string_view describe(AuthFailure failure);
/// One per refused attempt to authenticate; a first request without credentials is not one.
struct AuthenticationFailed {
    net::FiveTuple path{};
    std::string username{}; ///< as claimed, cut to 128 bytes; untrusted text. Empty with a USERHASH.
    AuthFailure reason = AuthFailure::unknown_user;
};
/// An error answered to an authenticated client.
struct RequestRefused {
    net::FiveTuple path{};
    std::string username{};
    stun::Method method = stun::Method::allocate;
    stun::ErrorCode code = stun::ErrorCode::bad_request;
    std::string why{}; ///< plain words for the operator: the policy rule, the missing attribute, the exhausted resource
};

/// The key of a user is needed: call Server::provide_key(now, ticket, …) when it is known, or never.
struct KeyWanted {
    std::uint64_t ticket = 0;
    std::string realm{};
    std::string username{}; ///< empty when a userhash is given
    std::string userhash{}; ///< 32 bytes, or empty
};

using Event =
    std::variant<AllocationCreated, AllocationRefreshed, AllocationEnded, PermissionInstalled, PermissionEnded,
                 ChannelBound, ChannelEnded, AuthenticationFailed, RequestRefused, KeyWanted>;

/// Facts for the service above, in order. The driver drains after each turn. Allocations' beginnings and ends and
/// KeyWanted are never lost (their number is bounded by the tables'); the rest is, beyond `capacity`, and counted.
class Events {
public:
    static constexpr std::size_t capacity = 4'096;

    void add(Event event);
    [[nodiscard]] bool empty() const { return events_.empty(); }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    /// Everything since the last call. Pass the vector back through reuse() to spare its allocation.
    [[nodiscard]] std::vector<Event> take() { return std::exchange(events_, std::exchange(spare_, {})); }
    void reuse(std::vector<Event>&& drained) {
        drained.clear();
        spare_ = std::move(drained);
    }

private:
    std::vector<Event> events_;
    std::vector<Event> spare_;
    std::uint64_t lost_ = 0;
};

} // namespace fairlead::turn
