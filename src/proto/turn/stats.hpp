#pragma once

#include "stats/counter.hpp"
#include "turn/relay.hpp"

#include <array>
#include <cstddef>

namespace fairlead::turn {

/// Of the hot path. Bytes are application data, headers not counted.
struct RelayStats {
    stats::Counter packets_to_peers;
    stats::Counter bytes_to_peers;
    stats::Counter packets_to_clients;
    stats::Counter bytes_to_clients;
    stats::Counter icmp_to_clients;
    std::array<stats::Counter, drop_reasons> from_client_dropped; ///< by DropReason
    std::array<stats::Counter, drop_reasons> from_peer_dropped;

    void sent_to_peer(std::size_t packets, std::size_t bytes) {
        packets_to_peers.add(packets);
        bytes_to_peers.add(bytes);
    }
    void sent_to_client(std::size_t packets, std::size_t bytes) {
        packets_to_clients.add(packets);
        bytes_to_clients.add(bytes);
    }
};

/// Why Server::handle() stayed silent.
enum class Silence : std::uint8_t {
    malformed,      ///< does not parse, or a wrong FINGERPRINT
    not_a_request,  ///< responses and indications are never answered
    unknown_method, ///< RFC 8489 section 6.3
    switched_off,   ///< answer_bindings or relay is false
    over_budget,    ///< the source's budget of unauthenticated answers is spent
    parked,         ///< waits for a key, or the retransmission of one that does
    no_room,        ///< the outbox gave too little
};
inline constexpr std::size_t silences = 7;
[[nodiscard]] std::string_view describe(Silence why);

struct ServerStats {
    stats::Counter binding_requests;
    stats::Counter binding_answers;
    stats::Counter requests;              ///< STUN requests of any method
    stats::Counter successes;             ///< success responses but Binding's
    stats::Counter challenges;            ///< 401 to requests without credentials
    stats::Counter stale_nonces;          ///< 438
    stats::Counter authentication_failed; ///< 401 to wrong credentials
    stats::Counter allocations_created;
    stats::Counter allocations_ended;
    stats::Counter allocations;  ///< now
    stats::Counter reservations; ///< now
    stats::Counter permissions_installed;
    stats::Counter channels_bound;
    std::array<stats::Counter, 700> errors; ///< error responses by code
    std::array<stats::Counter, silences> silent;
    stats::Counter bytes_in;  ///< STUN messages handed to handle()
    stats::Counter bytes_out; ///< answers
    RelayStats relay;
};

} // namespace fairlead::turn
