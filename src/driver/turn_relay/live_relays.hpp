#pragma once

#include "net/address.hpp"
#include "relay/peer_policy.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace fairlead::turn_relay {

/// Which relayed transport addresses of this server are live, on any worker: what lets a peer that is itself relayed by
/// us be a peer, and nothing else at our own addresses. One bit per address and port; set and read without a lock by
/// all workers.
class LiveRelays final : public relay::RelayAddresses {
public:
    /// `relayed` are the addresses as clients see them, `bound` those that the sockets have (different behind a
    /// one-to-one NAT). A port that is live on one of a pair is live on both, because a peer may reach it by either.
    struct AddressPair {
        net::IpAddress relayed;
        net::IpAddress bound;
    };
    explicit LiveRelays(const std::vector<AddressPair>& pairs);

    /// `bound` is the socket's own address. Addresses that were not announced at construction are ignored.
    void add(const net::TransportAddress& bound);
    void remove(const net::TransportAddress& bound);

    [[nodiscard]] bool is_live(const net::TransportAddress& address) const override;

private:
    static constexpr std::size_t ports = 65'536;
    using Bits = std::vector<std::atomic<std::uint64_t>>;
    struct Entry {
        AddressPair pair;
        std::unique_ptr<Bits> live;
    };
    void set(const net::TransportAddress& bound, bool live);

    std::vector<Entry> entries_;
};

} // namespace fairlead::turn_relay
