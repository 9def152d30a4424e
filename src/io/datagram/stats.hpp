#pragma once

#include "stats/counter.hpp"

#include <cstdint>

namespace fairlead::datagram {

/// Why a datagram that was queued did not leave.
enum class SendDrop : std::uint8_t {
    buffer_full,       ///< EAGAIN: the socket's send buffer
    device_queue_full, ///< ENOBUFS
    too_large,         ///< EMSGSIZE, or more than UDP can carry
    unreachable,       ///< ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN
    refused,           ///< ECONNREFUSED, twice
    not_permitted,     ///< EPERM, EACCES: a local firewall, or broadcast
    bad_destination,   ///< EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL, EDESTADDRREQ: port 0, other family, alien source
    socket_gone,       ///< closed before the flush
    other,
};
inline constexpr std::size_t send_drop_reasons = 9;
[[nodiscard]] const char* describe(SendDrop reason);

struct Stats {
    stats::Counter turns;
    stats::Counter receive_calls;
    stats::Counter datagrams_received;
    stats::Counter bytes_received;
    stats::Counter trains_received;
    stats::Counter truncated;      ///< larger than a slot: dropped
    stats::Counter receive_errors; ///< pending errors read and cleared, see also icmp_errors
    stats::Counter icmp_errors;
    stats::Counter send_calls;
    stats::Counter datagrams_sent;
    stats::Counter bytes_sent;
    stats::Counter trains_sent;
    stats::Counter train_refusals; ///< trains sent again one by one because the path cannot segment
    stats::Counter send_drops[send_drop_reasons];
    stats::Counter sockets_opened;
    stats::Counter sockets_closed;
    stats::Counter open_failures;

    void dropped(SendDrop reason, std::uint64_t n = 1) { send_drops[static_cast<std::size_t>(reason)].add(n); }
    [[nodiscard]] std::uint64_t drops(SendDrop reason) const {
        return send_drops[static_cast<std::size_t>(reason)].value();
    }
    /// Sockets open now.
    [[nodiscard]] std::uint64_t open() const { return sockets_opened.value() - sockets_closed.value(); }
};

} // namespace fairlead::datagram
