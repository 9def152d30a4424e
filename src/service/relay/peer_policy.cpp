#include "relay/peer_policy.hpp"

#include "text/format.hpp"

#include <algorithm>
#include <array>

namespace fairlead::relay {

namespace {

net::IpAddress v4_at(const net::IpAddress& address, std::size_t offset, std::uint8_t mask = 0) {
    const auto b = address.bytes();
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(b[offset + i] ^ mask); };
    return net::IpAddress::v4(byte(0), byte(1), byte(2), byte(3));
}

/// Where a packet to one address goes. An address may name two places (a tunnel's far end and what lies behind it);
/// then both must be fit to be reached.
struct Places {
    net::IpAddress main;
    std::optional<net::IpAddress> other;
};

Places places(const net::IpAddress& address) {
    if (address.is_v4()) {
        return {address, {}};
    }
    const auto b = address.bytes();
    const auto begins = [&](std::initializer_list<std::uint8_t> head, std::size_t at = 0) {
        return std::equal(head.begin(), head.end(), b.begin() + static_cast<std::ptrdiff_t>(at));
    };
    const bool isatap = begins({0x00, 0x00, 0x5e, 0xfe}, 8) || begins({0x02, 0x00, 0x5e, 0xfe}, 8); // RFC 5214 6.1
    if (begins({0, 0, 0, 0, 0, 0, 0, 0})) {
        const bool mapped = begins({0, 0, 0xff, 0xff}, 8);     // RFC 4291 section 2.5.5.2
        const bool translated = begins({0xff, 0xff, 0, 0}, 8); // RFC 2765 section 2.1 (SIIT)
        const bool compatible = begins({0, 0, 0, 0}, 8) && !address.is_any() && !address.is_loopback();
        if (mapped || translated || compatible) {
            return {v4_at(address, 12), {}};
        }
    }
    if (begins({0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) { // RFC 6052 section 2.1
        return {v4_at(address, 12), {}};
    }
    if (begins({0x20, 0x02})) { // 6to4, RFC 3056
        return {v4_at(address, 2), isatap ? std::optional(v4_at(address, 12)) : std::nullopt};
    }
    if (begins({0x20, 0x01, 0, 0})) { // Teredo, RFC 4380 section 4: the client's address is stored inverted
        return {v4_at(address, 12, 0xff), v4_at(address, 4)};
    }
    if (isatap) {
        return {v4_at(address, 12), address};
    }
    return {address, {}};
}

SpecialPurpose range(PeerRule rule, std::string_view prefix) {
    return {rule, net::Prefix::parse(prefix).value()};
}

/// A range inside another stands before it. The few ranges that the registries call globally reachable inside
/// 192.0.0.0/24 and 2001::/23 are service anycast; nobody's media peer lives there.
const std::vector<SpecialPurpose>& special_ranges() {
    static const std::vector<SpecialPurpose> ranges = {
        range(PeerRule::this_network, "0.0.0.0/8"),
        range(PeerRule::private_use, "10.0.0.0/8"),
        range(PeerRule::cloud_metadata, "100.100.100.200"), // Alibaba
        range(PeerRule::shared_address, "100.64.0.0/10"),
        range(PeerRule::loopback, "127.0.0.0/8"),
        range(PeerRule::cloud_metadata, "168.63.129.16"), // Azure: a public address, answered by the host
        range(PeerRule::cloud_metadata, "169.254.169.254"),
        range(PeerRule::cloud_metadata, "169.254.170.2"), // Amazon ECS
        range(PeerRule::link_local, "169.254.0.0/16"),
        range(PeerRule::private_use, "172.16.0.0/12"),
        range(PeerRule::cloud_metadata, "192.0.0.192"), // Oracle
        range(PeerRule::ietf_protocol, "192.0.0.0/24"),
        range(PeerRule::documentation, "192.0.2.0/24"),
        range(PeerRule::relay_anycast, "192.88.99.0/24"),
        range(PeerRule::private_use, "192.168.0.0/16"),
        range(PeerRule::benchmarking, "198.18.0.0/15"),
        range(PeerRule::documentation, "198.51.100.0/24"),
        range(PeerRule::documentation, "203.0.113.0/24"),
        range(PeerRule::multicast, "224.0.0.0/4"),
        range(PeerRule::broadcast, "255.255.255.255"),
        range(PeerRule::reserved, "240.0.0.0/4"),

        range(PeerRule::this_network, "::"),
        range(PeerRule::loopback, "::1"),
        range(PeerRule::local_translation, "64:ff9b:1::/48"),
        range(PeerRule::discard_only, "100::/64"),
        range(PeerRule::benchmarking, "2001:2::/48"),
        range(PeerRule::overlay_identifier, "2001:10::/28"),
        range(PeerRule::overlay_identifier, "2001:20::/28"),
        range(PeerRule::ietf_protocol, "2001::/23"),
        range(PeerRule::documentation, "2001:db8::/32"),
        range(PeerRule::documentation, "3fff::/20"),
        range(PeerRule::segment_routing, "5f00::/16"),
        range(PeerRule::cloud_metadata, "fd00:ec2::254"), // Amazon
        range(PeerRule::cloud_metadata, "fd20:ce::254"),  // Google
        range(PeerRule::unique_local, "fc00::/7"),
        range(PeerRule::link_local, "fe80::/10"),
        range(PeerRule::site_local, "fec0::/10"),
        range(PeerRule::multicast, "ff00::/8"),
        // What is left outside the one block from which unicast addresses are given out (2000::/3).
        range(PeerRule::reserved, "::/3"),
        range(PeerRule::reserved, "4000::/2"),
        range(PeerRule::reserved, "8000::/1"),
    };
    return ranges;
}

/// The IPv4 range that an IPv6 prefix stands for, where the whole of it does.
net::Prefix canonical_range(const net::Prefix& prefix) {
    const net::IpAddress inside = canonical(prefix.address());
    if (prefix.address().is_v4() || inside.is_v6()) {
        return prefix;
    }
    const auto b = prefix.address().bytes();
    if (b[0] == 0x20 && b[1] == 0x02) {
        return prefix.length() >= 16 && prefix.length() <= 48 ? net::Prefix(inside, prefix.length() - 16) : prefix;
    }
    // Tunnels that carry the address at their end belong to somebody's prefix: a rule for one is not a rule for the
    // range.
    const bool tunnel =
        b[0] != 0 || (b[1] == 0 && std::ranges::any_of(b.first(8), [](auto byte) { return byte != 0; }));
    return !tunnel && prefix.length() >= 96 ? net::Prefix(inside, prefix.length() - 96) : prefix;
}

void canonicalise(std::vector<net::Prefix>& prefixes) {
    std::ranges::transform(prefixes, prefixes.begin(), canonical_range);
}
void canonicalise(std::vector<net::IpAddress>& addresses) {
    std::ranges::transform(addresses, addresses.begin(), canonical);
}

const net::Prefix* longest_match(const std::vector<net::Prefix>& prefixes, const net::IpAddress& address) {
    const net::Prefix* longest = nullptr;
    for (const net::Prefix& prefix : prefixes) {
        if (prefix.contains(address) && (longest == nullptr || prefix.length() > longest->length())) {
            longest = &prefix;
        }
    }
    return longest;
}

turn::PeerVerdict summary(const Judgement& judgement) {
    return {.allowed = judgement.allowed(), .rule = describe(judgement.rule)};
}

} // namespace

net::IpAddress canonical(const net::IpAddress& address) {
    return places(address).main;
}

bool allows(PeerRule rule) {
    return rule <= PeerRule::any_address;
}

std::string_view describe(PeerRule rule) {
    switch (rule) {
    case PeerRule::public_address:
        return "public address";
    case PeerRule::operator_allowed:
        return "on the allow list";
    case PeerRule::own_relay_address:
        return "relay address of this server";
    case PeerRule::any_address:
        return "any address";
    case PeerRule::operator_denied:
        return "on the deny list";
    case PeerRule::not_listed:
        return "not on the allow list";
    case PeerRule::own_service:
        return "service of this server";
    case PeerRule::own_address:
        return "address of this server without a relay on that port";
    case PeerRule::low_port:
        return "port below the lowest for peers";
    case PeerRule::this_network:
        return "this network";
    case PeerRule::loopback:
        return "loopback";
    case PeerRule::private_use:
        return "private use";
    case PeerRule::shared_address:
        return "shared address space";
    case PeerRule::link_local:
        return "link-local";
    case PeerRule::cloud_metadata:
        return "cloud metadata";
    case PeerRule::ietf_protocol:
        return "IETF protocol assignments";
    case PeerRule::documentation:
        return "documentation";
    case PeerRule::benchmarking:
        return "benchmarking";
    case PeerRule::multicast:
        return "multicast";
    case PeerRule::reserved:
        return "reserved";
    case PeerRule::broadcast:
        return "broadcast";
    case PeerRule::relay_anycast:
        return "6to4 relay anycast";
    case PeerRule::unique_local:
        return "unique local";
    case PeerRule::site_local:
        return "site-local";
    case PeerRule::discard_only:
        return "discard-only";
    case PeerRule::local_translation:
        return "local-use IPv4/IPv6 translation";
    case PeerRule::overlay_identifier:
        return "ORCHID";
    case PeerRule::segment_routing:
        return "segment routing identifiers";
    }
    return "unknown";
}

std::string Judgement::explain(const net::IpAddress& asked) const {
    std::string text = fmt::format("{}: {}", allowed() ? "allowed" : "refused", describe(rule));
    if (prefix) {
        text += fmt::format(" ({})", prefix->to_string());
    }
    if (asked != canonical) {
        text += fmt::format(", because {} leads to {}", asked.to_string(), canonical.to_string());
    }
    return text;
}

std::optional<PeerPreset> parse_peer_preset(std::string_view name) {
    if (name == "public-only") {
        return PeerPreset::public_only;
    }
    if (name == "any") {
        return PeerPreset::any;
    }
    if (name == "list") {
        return PeerPreset::list;
    }
    return std::nullopt;
}

std::optional<SpecialPurpose> special_purpose(const net::IpAddress& address) {
    const auto& ranges = special_ranges();
    const auto found =
        std::ranges::find_if(ranges, [&](const SpecialPurpose& r) { return r.prefix.contains(address); });
    return found != ranges.end() ? std::optional(*found) : std::nullopt;
}

PeerPolicy::PeerPolicy(PeerPolicyOptions options, const RelayAddresses* live)
    : options_(std::move(options)), live_(live) {
    canonicalise(options_.allow);
    canonicalise(options_.deny);
    canonicalise(options_.own_addresses);
    canonicalise(options_.relay_addresses);
    for (net::TransportAddress& service : options_.services) {
        service.address = canonical(service.address);
    }
}

turn::PeerVerdict PeerPolicy::verdict(const net::IpAddress& peer) {
    return summary(judge(peer));
}

turn::PeerVerdict PeerPolicy::verdict(const net::TransportAddress& peer) {
    return summary(judge(peer));
}

Judgement PeerPolicy::judge(const net::IpAddress& peer) const {
    const Places where = places(peer);
    Judgement judgement = judge_place(where.main, std::nullopt);
    if (judgement.allowed() && where.other) {
        const Judgement other = judge_place(*where.other, std::nullopt);
        return other.allowed() ? judgement : other;
    }
    return judgement;
}

Judgement PeerPolicy::judge(const net::TransportAddress& peer) const {
    const Places where = places(peer.address);
    Judgement judgement = judge_place(where.main, peer.port);
    if (judgement.allowed() && where.other) {
        const Judgement other = judge_place(*where.other, peer.port);
        return other.allowed() ? judgement : other;
    }
    return judgement;
}

Judgement PeerPolicy::judge_place(const net::IpAddress& place, std::optional<std::uint16_t> port) const {
    const auto by = [&](PeerRule rule, std::optional<net::Prefix> prefix = {}) {
        return Judgement{.rule = rule, .canonical = place, .prefix = prefix};
    };
    if (port && (*port == 0 || *port < options_.lowest_port)) {
        return by(PeerRule::low_port);
    }
    if (port && is_service({.address = place, .port = *port})) {
        return by(PeerRule::own_service);
    }
    if (is_relay_address(place) && live_ != nullptr && (!port || live_->is_live({.address = place, .port = *port}))) {
        return by(PeerRule::own_relay_address);
    }
    const net::Prefix* const allow = longest_match(options_.allow, place);
    const net::Prefix* const deny = longest_match(options_.deny, place);
    if (allow != nullptr && (deny == nullptr || allow->length() >= deny->length())) {
        return by(PeerRule::operator_allowed, *allow);
    }
    if (deny != nullptr) {
        return by(PeerRule::operator_denied, *deny);
    }
    switch (options_.preset) {
    case PeerPreset::any:
        return by(PeerRule::any_address);
    case PeerPreset::list:
        return by(PeerRule::not_listed);
    case PeerPreset::public_only:
        break;
    }
    if (const auto special = special_purpose(place)) {
        return by(special->rule, special->prefix);
    }
    return by(is_own(place) ? PeerRule::own_address : PeerRule::public_address);
}

bool PeerPolicy::is_own(const net::IpAddress& canonical) const {
    return std::ranges::find(options_.own_addresses, canonical) != options_.own_addresses.end() ||
           is_relay_address(canonical);
}

bool PeerPolicy::is_relay_address(const net::IpAddress& canonical) const {
    return std::ranges::find(options_.relay_addresses, canonical) != options_.relay_addresses.end();
}

bool PeerPolicy::is_service(const net::TransportAddress& canonical) const {
    return std::ranges::any_of(options_.services, [&](const net::TransportAddress& service) {
        const bool here = service.address == canonical.address ||
                          (service.address.is_any() && (is_own(canonical.address) || canonical.address.is_loopback()));
        return here && service.port == canonical.port;
    });
}

} // namespace fairlead::relay
