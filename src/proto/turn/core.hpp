#pragma once

// Private to the module: what server.cpp and the request handlers (allocate.cpp, refresh.cpp, create_permission.cpp,
// channel_bind.cpp) share.

#include "stun/writer.hpp"
#include "turn/allocations.hpp"
#include "turn/answer_budget.hpp"
#include "turn/nonce.hpp"
#include "turn/recent_answers.hpp"
#include "turn/reservation.hpp"
#include "turn/server.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fairlead::turn {

/// A request under way.
struct Exchange {
    Now now;
    const net::FiveTuple& path;
    const stun::Message& request;
    net::Outbox& out;
};

/// Who sent a request, proven by its integrity, and the key that the answer is signed with.
struct Identity {
    std::string username;
    std::string user; // quota identity
    UnixTime expires = UnixTime::max();
    std::array<std::byte, 32> key{};
    std::size_t key_size = 0; // 0 = nobody authenticates here
    bool sha256 = false;      // integrity of the request, hence of the answer

    [[nodiscard]] Bytes signing_key() const { return Bytes(key).first(key_size); }
};

/// An error response to be.
struct Refusal {
    stun::ErrorCode code = stun::ErrorCode::bad_request;
    std::string_view why; // for the operator
};

class Server::Core {
public:
    Core(ServerConfig config, const ServerDeps& deps);

    void handle(Now now, const net::FiveTuple& path, Bytes message, net::Outbox& out,
                const CredentialAnswer* supplied = nullptr);
    void connection_closed(Now now, const net::FiveTuple& path);
    void provide_key(Now now, std::uint64_t ticket, const CredentialAnswer& answer, net::Outbox& out);
    [[nodiscard]] Instant next_timeout() const;
    void handle_timeout(Now now);
    void reconfigure(const ServerConfig& config);
    [[nodiscard]] Allocation* live_allocation(const net::FiveTuple& path, Instant now) const;
    void end(Allocation& allocation, Instant now, EndReason reason);

    // In the order they are destroyed backwards: allocations and reservations close relays and give back quotas.
    const std::string realm;
    ServerConfig config;
    ServerDeps deps;
    ServerStats stats;
    Events events;
    Allocations allocations;
    Reservations reservations;
    Relay relay;
    std::optional<Redirect> redirect;

private:
    struct Parked {
        net::FiveTuple path;
        std::vector<std::byte> message;
        Instant expires;
    };

    // server.cpp: dispatch, authentication, answers
    void binding(const Exchange& exchange, const CredentialAnswer* supplied);
    void relay_request(const Exchange& exchange, const CredentialAnswer* supplied);
    [[nodiscard]] std::optional<Identity> authenticate(const Exchange& exchange, const CredentialAnswer* supplied);
    [[nodiscard]] bool prove(const Exchange& exchange, const CredentialAnswer& answer,
                             stun::PasswordAlgorithm algorithm, Identity& identity);
    [[nodiscard]] std::optional<stun::PasswordAlgorithm> password_algorithm(const Exchange& exchange,
                                                                            stun::SecurityFeatures promised) const;
    void park(const Exchange& exchange, const Claim& claim);
    [[nodiscard]] bool may_answer_stranger(const Exchange& exchange, bool failed);
    void challenge(const Exchange& exchange, stun::ErrorCode code, std::optional<AuthFailure> failure);
    void refuse_stranger(const Exchange& exchange, stun::ErrorCode code, std::optional<AuthFailure> failure = {});
    void authentication_failed(const Exchange& exchange, AuthFailure failure);
    [[nodiscard]] bool offers_sha256(const Exchange& exchange) const;
    void silence(Silence why) { stats.silent[static_cast<std::size_t>(why)].add(); }

    /// Writes the rest of an answer (SOFTWARE, integrity, fingerprint) and sends it.
    void send(const Exchange& exchange, const Identity* identity, stun::Writer& answer);
    template <class Write>
    void succeed(const Exchange& exchange, const Identity& identity, Write&& write) {
        stun::Writer answer(exchange.out.reserve(answer_room), stun::Class::success, exchange.request.method(),
                            exchange.request.transaction_id());
        std::forward<Write>(write)(answer);
        stats.successes.add();
        send(exchange, &identity, answer);
    }
    template <class Write>
    void refuse(const Exchange& exchange, const Identity& identity, const Refusal& refusal, Write&& write) {
        stun::Writer answer(exchange.out.reserve(answer_room), stun::Class::error, exchange.request.method(),
                            exchange.request.transaction_id());
        answer.error(refusal.code, config.reason_phrases ? stun::describe(refusal.code) : std::string_view());
        std::forward<Write>(write)(answer);
        refused(exchange, identity, refusal);
        send(exchange, &identity, answer);
    }
    void refuse(const Exchange& exchange, const Identity& identity, const Refusal& refusal) {
        refuse(exchange, identity, refusal, [](stun::Writer&) {});
    }
    void refused(const Exchange& exchange, const Identity& identity, const Refusal& refusal);

    // One file each.
    void allocate(const Exchange& exchange, const Identity& identity);
    void refresh(const Exchange& exchange, const Identity& identity);
    void create_permission(const Exchange& exchange, const Identity& identity);
    void channel_bind(const Exchange& exchange, const Identity& identity);

    // allocate.cpp
    void answer_allocated(const Exchange& exchange, const Identity& identity, const Allocation& allocation);
    [[nodiscard]] Result<OpenedRelays, RelayError> open_relay(const RelayRequest& request);
    void refuse_with_alternate(const Exchange& exchange, const Identity& identity);
    [[nodiscard]] std::chrono::seconds lifetime_for(const Exchange& exchange, const Identity& identity) const;

    // What CreatePermission and ChannelBind have in common.
    [[nodiscard]] Allocation* own_allocation(const Exchange& exchange, const Identity& identity);
    void install_permission(const Exchange& exchange, Allocation& allocation, const net::IpAddress& peer);
    void drop_expired(Allocation& allocation, Instant now);

    [[nodiscard]] bool has_room_for(const Allocation& allocation, std::span<const net::IpAddress> peers) const;

    void sweep(std::size_t row, Instant now);
    void arm(Instant now);
    void note_reservations() { stats.reservations.add(reservations.size() - stats.reservations.value()); }

    static constexpr std::size_t answer_room = 1'280;

    NonceIssuer nonces_;
    AnswerBudget budget_;
    RecentAnswers recent_;
    std::unordered_map<std::uint64_t, Parked> parked_;
    std::uint64_t next_ticket_ = 1;
    AllocationId next_allocation_ = 1;
    std::size_t usual_keys_ = 1; // candidates of the last known user: what an unknown one must cost too
    std::size_t next_alternate_ = 0;
    Instant next_sweep_ = never;
    std::size_t sweep_at_ = 0;
};

/// RFC 8656 section 7.2: "lifetime" in whole seconds, rounded up so that a client never refreshes too late.
[[nodiscard]] inline std::chrono::seconds whole_seconds(Duration d) {
    return std::chrono::ceil<std::chrono::seconds>(std::max(d, Duration::zero()));
}

} // namespace fairlead::turn
