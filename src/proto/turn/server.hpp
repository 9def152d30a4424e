#pragma once

#include "net/outbox.hpp"
#include "random/random.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"
#include "turn/config.hpp"
#include "turn/credentials.hpp"
#include "turn/events.hpp"
#include "turn/peer_policy.hpp"
#include "turn/quota.hpp"
#include "turn/relay.hpp"
#include "turn/relay_opener.hpp"
#include "turn/stats.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::turn {

/// What a server needs from outside; all outlive it. Everything answers at once (what answers later is an event).
struct ServerDeps {
    RelayOpener& relays;
    Credentials& credentials;
    PeerPolicy& peers;
    Quota& quota;
    Random& random;
};

/// Where Allocate requests are sent instead (RFC 8489 section 10): 300, after authentication and with integrity.
struct Redirect {
    /// The next one of the client's family is named, round robin. Without one of that family the answer is 508.
    std::vector<net::TransportAddress> servers{};
    std::string domain{}; ///< ALTERNATE-DOMAIN, for clients over TLS and DTLS; may be empty
};

/// One allocation, as the operator sees it.
struct AllocationInfo {
    AllocationId id = 0;
    net::FiveTuple path{};
    std::string_view username{};
    std::string_view user{};
    net::TransportAddress relayed{};
    std::optional<net::TransportAddress> additional{};
    Instant created{};
    Instant expires{};
    std::size_t permissions = 0;
    std::size_t channels = 0;
    Traffic traffic{};
};

/// A STUN and TURN server: RFC 8489 and RFC 8656 without sockets. One per worker.
///
/// Requests come in by handle(), application data by relay(). Answers leave through the outbox along the path that the
/// request came on, facts through events(). Destroying the server closes every relay and gives every quota back,
/// without events.
class Server {
public:
    Server(ServerConfig config, const ServerDeps& deps);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;

    /// A datagram, or a frame of a stream, that Relay::from_client() found to be ForServer. Hostile bytes welcome.
    void handle(Now now, const net::FiveTuple& path, Bytes message, net::Outbox& out);

    /// Application data.
    [[nodiscard]] Relay& relay();

    /// A stream or DTLS association ended: what belongs to it ends with it.
    void connection_closed(Now now, const net::FiveTuple& path);

    /// Answers a KeyWanted. AnswersLater is taken as UnknownUser. A ticket that has expired is ignored.
    void provide_key(Now now, std::uint64_t ticket, const CredentialAnswer& answer, net::Outbox& out);

    /// Frees what has expired (expiry itself takes effect to the instant, without it). `never` when there is nothing to
    /// wait for. Work is spread: an eighth of the allocations per call, eight calls a second.
    [[nodiscard]] Instant next_timeout() const;
    void handle_timeout(Now now, net::Outbox& out);

    [[nodiscard]] Events& events();
    [[nodiscard]] const ServerStats& stats() const;
    [[nodiscard]] const ServerConfig& config() const;

    /// Limits, lifetimes and switches take effect for what comes; what exists keeps what it was granted. The realm and
    /// the table sizes (max_allocations, max_relays) stay as constructed.
    void reconfigure(const ServerConfig& config);

    /// True while a live allocation belongs to this path: a driver lets such a connection stay idle.
    [[nodiscard]] bool has_allocation(Instant now, const net::FiveTuple& path) const;
    [[nodiscard]] std::size_t allocation_count() const;
    void for_each_allocation(Instant now, const std::function<void(const AllocationInfo&)>& visit) const;
    /// Ends one allocation, or all of a quota identity. False or 0 when there was none.
    bool end_allocation(Now now, AllocationId id);
    std::size_t end_user(Now now, std::string_view user);

    /// New allocations are answered 300, or 508 without an alternate, from now on (or no longer, with nothing):
    /// draining.
    void redirect(std::optional<Redirect> to);

private:
    class Core;
    std::unique_ptr<Core> core_;
};

} // namespace fairlead::turn
