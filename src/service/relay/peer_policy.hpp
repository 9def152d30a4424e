#pragma once

#include "net/address.hpp"
#include "net/prefix.hpp"
#include "turn/peer_policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::relay {

/// The address that a packet sent to `address` ends up at: an IPv4 address that an IPv6 address carries inside
/// (IPv4-mapped, IPv4-compatible, SIIT, 6to4, NAT64 well-known prefix, Teredo, ISATAP) comes out, everything else stays
/// what it is. canonical(canonical(a)) == canonical(a). Local-use NAT64 (64:ff9b:1::/48, RFC 8215) stays: where in it
/// the IPv4 address stands is known to its operator alone, so it is refused as a whole.
[[nodiscard]] net::IpAddress canonical(const net::IpAddress& address);

/// Why a peer was allowed or refused; one entry per rule of the policy, most of them one line of the IANA
/// special-purpose registries.
enum class PeerRule : std::uint8_t {
    // allowed
    public_address,    ///< nothing speaks against it
    operator_allowed,  ///< the operator's allow list
    own_relay_address, ///< a relayed transport address that is live on this server (or, without a port, could be)
    any_address,       ///< preset `any`
    // refused
    operator_denied,    ///< the operator's deny list
    not_listed,         ///< preset `list`, and not on the allow list
    own_service,        ///< a listener of ours or a service we use
    own_address,        ///< an address of this server, and no live relay address there
    low_port,           ///< below the lowest port for peers
    this_network,       ///< 0.0.0.0/8, ::
    loopback,           ///< 127.0.0.0/8, ::1
    private_use,        ///< 10/8, 172.16/12, 192.168/16
    shared_address,     ///< 100.64/10 (carrier-grade NAT)
    link_local,         ///< 169.254/16, fe80::/10
    cloud_metadata,     ///< 169.254.169.254, fd00:ec2::254 and their kin
    ietf_protocol,      ///< 192.0.0/24, 2001::/23
    documentation,      ///< 192.0.2/24, 198.51.100/24, 203.0.113/24, 2001:db8::/32, 3fff::/20
    benchmarking,       ///< 198.18/15, 2001:2::/48
    multicast,          ///< 224/4, ff00::/8
    reserved,           ///< 240/4, and IPv6 outside 2000::/3 that has no name of its own
    broadcast,          ///< 255.255.255.255
    relay_anycast,      ///< 192.88.99/24 (6to4 relays)
    unique_local,       ///< fc00::/7
    site_local,         ///< fec0::/10
    discard_only,       ///< 100::/64
    local_translation,  ///< 64:ff9b:1::/48 (NAT64 for local use)
    overlay_identifier, ///< 2001:10::/28, 2001:20::/28 (ORCHID)
    segment_routing,    ///< 5f00::/16
};
/// A few words for logs and for the operator: "private-use address (RFC 1918)".
[[nodiscard]] std::string_view describe(PeerRule rule);
[[nodiscard]] bool allows(PeerRule rule);

/// A verdict with everything that led to it (`fairlead check-peer`, logs).
struct Judgement {
    PeerRule rule = PeerRule::public_address;
    net::IpAddress canonical;          ///< what the rules looked at
    std::optional<net::Prefix> prefix; ///< the range that decided, where a range did

    [[nodiscard]] bool allowed() const { return allows(rule); }
    /// One line for people: "refused: loopback (127.0.0.0/8), because ::ffff:127.0.0.1 leads to 127.0.0.1".
    [[nodiscard]] std::string explain(const net::IpAddress& asked) const;
};

enum class PeerPreset : std::uint8_t {
    public_only, ///< special-purpose space refused (default)
    any,         ///< everything but own services; for closed networks and test benches
    list,        ///< only what the allow list names
};
[[nodiscard]] std::optional<PeerPreset> parse_peer_preset(std::string_view name);

struct PeerPolicyOptions {
    PeerPreset preset = PeerPreset::public_only;
    /// Precedence: lowest_port, own services, live relay addresses of our own, then the longest matching prefix of both
    /// lists (allow wins a tie), then the preset. So `deny 10.0.0.0/8, allow 10.1.0.0/16, deny 10.1.2.3/32` reads as it
    /// looks. IPv6 forms of IPv4 ranges mean the IPv4 range.
    std::vector<net::Prefix> allow = {};
    std::vector<net::Prefix> deny = {};
    /// Peer ports below this are refused. 0 = none.
    std::uint16_t lowest_port = 1024;
    /// Nobody's peers: listeners of every kind (TURN, HTTP, admin, metrics), Redis, webhooks, identity providers. An
    /// address that is_any() stands for every address of this machine.
    std::vector<net::TransportAddress> services = {};
    /// Addresses of this machine. On these only live relay ports are peers.
    std::vector<net::IpAddress> own_addresses = {};
    /// Relayed addresses as clients see them: own_addresses and, behind a one-to-one NAT, the external ones.
    std::vector<net::IpAddress> relay_addresses = {};
};

/// Which of our own relayed transport addresses are live, on any worker.
class RelayAddresses {
public:
    [[nodiscard]] virtual bool is_live(const net::TransportAddress& relayed) const = 0;

protected:
    ~RelayAddresses() = default;
};

/// Default-deny relaying (security rule 1). Does not change; a reload makes a new one.
class PeerPolicy final : public turn::PeerPolicy {
public:
    /// `live` must outlive the policy. Without it no address of our own is ever a peer.
    explicit PeerPolicy(PeerPolicyOptions options, const RelayAddresses* live = nullptr);

    /// For a permission, which names no port: an address of our own passes when we relay there, and the port is judged
    /// when data is to be sent.
    [[nodiscard]] turn::PeerVerdict verdict(const net::IpAddress& peer) override;
    [[nodiscard]] turn::PeerVerdict verdict(const net::TransportAddress& peer) override;

    [[nodiscard]] Judgement judge(const net::IpAddress& peer) const;
    [[nodiscard]] Judgement judge(const net::TransportAddress& peer) const;

    [[nodiscard]] const PeerPolicyOptions& options() const { return options_; }

private:
    [[nodiscard]] Judgement judge_place(const net::IpAddress& place, std::optional<std::uint16_t> port) const;
    [[nodiscard]] bool is_own(const net::IpAddress& canonical) const;
    [[nodiscard]] bool is_relay_address(const net::IpAddress& canonical) const;
    [[nodiscard]] bool is_service(const net::TransportAddress& canonical) const;

    PeerPolicyOptions options_;
    const RelayAddresses* live_;
};

/// The special-purpose rule that `address` (already canonical) falls under, with its range; nothing for addresses that
/// are globally reachable unicast (IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6890, and the multicast
/// and unassigned space beside them).
struct SpecialPurpose {
    PeerRule rule;
    net::Prefix prefix;
};
[[nodiscard]] std::optional<SpecialPurpose> special_purpose(const net::IpAddress& address);

} // namespace fairlead::relay
