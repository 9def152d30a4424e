#pragma once

#include "sim/network.hpp"

#include <array>
#include <string_view>

namespace fairlead::sim {

/// RFC 4787 sections 4.1 and 5: what a mapping, or a filter, looks at in the remote end.
enum class Dependence : std::uint8_t {
    endpoint_independent,
    address_dependent,
    address_and_port_dependent,
};
inline constexpr std::array dependences{Dependence::endpoint_independent, Dependence::address_dependent,
                                        Dependence::address_and_port_dependent};
[[nodiscard]] std::string_view describe(Dependence dependence);

struct NatBehaviour {
    Dependence mapping = Dependence::endpoint_independent;
    Dependence filtering = Dependence::address_and_port_dependent;
    /// RFC 4787 section 6: a packet from inside to the outside of the same NAT comes back in, with its outside source.
    bool hairpin = false;
    /// RFC 4787 section 4.2.1: the outside port is the inside port where that is free.
    bool preserves_ports = false;
    /// RFC 4787 REQ-5: not less than two minutes.
    Duration lifetime = 2min;
    /// RFC 4787 REQ-6b allows it; packets from inside always refresh.
    bool inbound_refreshes = false;
    /// Outside ports, both ends included: carriers give a customer a slice. RFC 4787 REQ-3a: none below 1024.
    std::uint16_t first_port = 1024;
    std::uint16_t last_port = 65535;
};

struct NatStats {
    std::uint64_t mappings_made = 0;
    std::uint64_t outbound = 0;
    std::uint64_t inbound = 0;
    std::uint64_t hairpinned = 0;
    std::uint64_t filtered = 0; ///< a mapping was there, its filter said no
    std::uint64_t unmapped = 0;
    std::uint64_t ports_exhausted = 0;
};

/// A network address and port translator between an inner and an outer network; the gateway of the inner one. NATs can
/// be put behind NATs.
class Nat {
public:
    Nat(Network& inner, const net::IpAddress& inner_address, Network& outer, const net::IpAddress& outer_address,
        const NatBehaviour& behaviour, const Link& outer_link = {});
    ~Nat();
    Nat(const Nat&) = delete;
    Nat& operator=(const Nat&) = delete;

    /// Where `inside` appears to `remote`, while the mapping lives.
    [[nodiscard]] std::optional<net::TransportAddress> mapped(const net::TransportAddress& inside,
                                                              const net::TransportAddress& remote) const;
    /// Loses every mapping, as at a restart.
    void forget();

    [[nodiscard]] std::size_t live_mappings() const;
    [[nodiscard]] const NatStats& stats() const { return stats_; }
    [[nodiscard]] const net::IpAddress& outer_address() const { return outer_address_; }

private:
    // The inside end, and as much of the remote end as mappings depend on.
    struct Key {
        net::TransportAddress inside;
        net::TransportAddress remote;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Mapping {
        std::uint16_t port = 0;
        Instant expires{};
        std::map<net::TransportAddress, Instant> contacted; // remote ends, as far as filters look, and until when
    };
    struct Side final : Interface {
        Side(Nat& owner, void (Nat::*handler)(Packet)) : nat(owner), handle(handler) {}
        void receive(Packet packet) override { (nat.*handle)(std::move(packet)); }
        Nat& nat;
        void (Nat::*handle)(Packet);
    };

    void from_inside(Packet packet);
    void from_outside(Packet packet);
    Mapping* outbound_mapping(const Packet& packet);
    std::optional<std::uint16_t> free_port(std::uint16_t wished);
    [[nodiscard]] Instant now() const { return simulation_.now().steady; }

    Simulation& simulation_;
    Network& inner_;
    Network& outer_;
    net::IpAddress inner_address_;
    net::IpAddress outer_address_;
    NatBehaviour behaviour_;
    Side inner_side_{*this, &Nat::from_inside};
    Side outer_side_{*this, &Nat::from_outside};
    std::map<Key, Mapping> mappings_;
    std::map<std::uint16_t, Key> by_port_;
    NatStats stats_;
};

} // namespace fairlead::sim
