#pragma once

#include "stun/message.hpp"
#include "turn/allocation.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace fairlead::turn {

/// The port above an even one, kept for another allocation of the same user (RFC 8656 section 7.2, EVEN-PORT with R).
/// It holds a unit of that user's quota and dies with the allocation that asked for it or after thirty seconds,
/// whichever comes first: else a client collects ports outside its quota by asking and leaving.
struct Reservation {
    OwnedRelay relay{};
    QuotaHold quota{};
    Instant expires{};
};

using ReservationToken = std::uint64_t;

/// Tokens are random but for their first byte, which is the index of the worker that holds the port.
class Reservations {
public:
    [[nodiscard]] std::size_t size() const { return by_token_.size(); }
    void add(ReservationToken token, Reservation reservation) { by_token_.emplace(token, std::move(reservation)); }
    /// Nothing when unknown, expired or somebody else's.
    [[nodiscard]] std::optional<Reservation> redeem(ReservationToken token, std::string_view user, Instant now) {
        const auto found = by_token_.find(token);
        if (found == by_token_.end() || found->second.expires <= now || found->second.quota.user() != user) {
            return std::nullopt;
        }
        Reservation redeemed = std::move(found->second);
        by_token_.erase(found);
        return redeemed;
    }
    void drop(ReservationToken token) { by_token_.erase(token); }
    void drop_expired(Instant now) {
        std::erase_if(by_token_, [now](const auto& row) { return row.second.expires <= now; });
    }

private:
    std::unordered_map<ReservationToken, Reservation> by_token_;
};

/// Whose reservation an Allocate request wants: the worker index in its RESERVATION-TOKEN. Nothing for any other
/// datagram. A driver uses it to pass the request on to the worker that holds the port.
[[nodiscard]] std::optional<std::uint8_t> worker_of_reservation(Bytes datagram);

} // namespace fairlead::turn
