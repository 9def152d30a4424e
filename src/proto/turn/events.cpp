#include "turn/events.hpp"

namespace fairlead::turn {

namespace {
// Their number is bounded by the allocations and the parked requests, and the services' books depend on them.
bool must_not_be_lost(const Event& event) {
    return std::holds_alternative<AllocationCreated>(event) || std::holds_alternative<AllocationEnded>(event) ||
           std::holds_alternative<KeyWanted>(event);
}
} // namespace

void Events::add(Event event) {
    if (events_.size() >= capacity && !must_not_be_lost(event)) {
        ++lost_;
        return;
    }
    events_.push_back(std::move(event));
}

std::string_view describe(EndReason reason) {
    switch (reason) {
    case EndReason::refreshed_to_zero:
        return "deleted by the client";
    case EndReason::expired:
        return "expired";
    case EndReason::connection_closed:
        return "connection closed";
    case EndReason::ended_by_operator:
        return "ended by the operator";
    }
    return "unknown";
}

std::string_view describe(AuthFailure failure) {
    switch (failure) {
    case AuthFailure::unknown_user:
        return "unknown user";
    case AuthFailure::wrong_password:
        return "wrong password";
    case AuthFailure::credential_expired:
        return "credential expired";
    case AuthFailure::stale_nonce:
        return "stale nonce";
    case AuthFailure::forged_nonce:
        return "nonce not issued here";
    case AuthFailure::wrong_realm:
        return "wrong realm";
    case AuthFailure::missing_attributes:
        return "missing attributes";
    case AuthFailure::downgraded:
        return "password algorithms do not match";
    }
    return "unknown";
}

} // namespace fairlead::turn
