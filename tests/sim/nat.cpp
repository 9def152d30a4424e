#include "sim/nat.hpp"

#include <algorithm>

namespace fairlead::sim {
namespace {

// The part of a remote end that a behaviour looks at.
net::TransportAddress seen(const net::TransportAddress& remote, Dependence dependence) {
    switch (dependence) {
    case Dependence::endpoint_independent:
        return {};
    case Dependence::address_dependent:
        return {remote.address, 0};
    case Dependence::address_and_port_dependent:
        break;
    }
    return remote;
}

} // namespace

std::string_view describe(Dependence dependence) {
    switch (dependence) {
    case Dependence::endpoint_independent:
        return "endpoint_independent";
    case Dependence::address_dependent:
        return "address_dependent";
    case Dependence::address_and_port_dependent:
        return "address_and_port_dependent";
    }
    return "unknown";
}

Nat::Nat(Network& inner, const net::IpAddress& inner_address, Network& outer, const net::IpAddress& outer_address,
         const NatBehaviour& behaviour, const Link& outer_link)
    : simulation_(inner.simulation()),
      inner_(inner),
      outer_(outer),
      inner_address_(inner_address),
      outer_address_(outer_address),
      behaviour_(behaviour) {
    inner_.attach(inner_address_, inner_side_, {{.delay = Duration::zero()}, {.delay = Duration::zero()}});
    inner_.set_gateway(inner_address_);
    outer_.attach(outer_address_, outer_side_, outer_link);
}

Nat::~Nat() {
    inner_.detach(inner_address_);
    outer_.detach(outer_address_);
}

std::optional<net::TransportAddress> Nat::mapped(const net::TransportAddress& inside,
                                                 const net::TransportAddress& remote) const {
    const auto found = mappings_.find({inside, seen(remote, behaviour_.mapping)});
    if (found == mappings_.end() || found->second.expires <= now()) {
        return std::nullopt;
    }
    return net::TransportAddress{outer_address_, found->second.port};
}

void Nat::forget() {
    mappings_.clear();
    by_port_.clear();
}

std::size_t Nat::live_mappings() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(mappings_, [&](const auto& each) { return each.second.expires > now(); }));
}

std::optional<std::uint16_t> Nat::free_port(std::uint16_t wished) {
    const auto usable = [&](std::uint16_t port) {
        if (port < behaviour_.first_port || port > behaviour_.last_port) {
            return false;
        }
        const auto holder = by_port_.find(port);
        if (holder == by_port_.end()) {
            return true;
        }
        const auto mapping = mappings_.find(holder->second);
        if (mapping->second.expires > now()) {
            return false;
        }
        mappings_.erase(mapping);
        by_port_.erase(holder);
        return true;
    };
    if (behaviour_.preserves_ports && usable(wished)) {
        return wished;
    }
    const std::uint64_t ports = behaviour_.last_port - behaviour_.first_port + std::uint64_t{1};
    const std::uint64_t begin = simulation_.random().below(ports);
    for (std::uint64_t i = 0; i < ports; ++i) {
        const auto port = static_cast<std::uint16_t>(behaviour_.first_port + (begin + i) % ports);
        if (usable(port)) {
            return port;
        }
    }
    return std::nullopt;
}

Nat::Mapping* Nat::outbound_mapping(const Packet& packet) {
    const Key key{packet.source, seen(packet.destination, behaviour_.mapping)};
    auto found = mappings_.find(key);
    if (found != mappings_.end() && found->second.expires <= now()) {
        by_port_.erase(found->second.port);
        mappings_.erase(found);
        found = mappings_.end();
    }
    if (found == mappings_.end()) {
        const auto port = free_port(packet.source.port);
        if (!port) {
            ++stats_.ports_exhausted;
            return nullptr;
        }
        found = mappings_.emplace(key, Mapping{.port = *port, .expires = {}, .contacted = {}}).first;
        by_port_.emplace(*port, key);
        ++stats_.mappings_made;
    }
    Mapping& mapping = found->second;
    mapping.expires = now() + behaviour_.lifetime;
    std::erase_if(mapping.contacted, [&](const auto& each) { return each.second <= now(); });
    mapping.contacted[seen(packet.destination, behaviour_.filtering)] = mapping.expires;
    return &mapping;
}

void Nat::from_inside(Packet packet) {
    const bool turns_back = packet.destination.address == outer_address_;
    if (turns_back && !behaviour_.hairpin) {
        ++stats_.unmapped;
        return;
    }
    const Mapping* mapping = outbound_mapping(packet);
    if (mapping == nullptr) {
        return;
    }
    packet.source = {outer_address_, mapping->port};
    if (turns_back) {
        ++stats_.hairpinned;
        from_outside(std::move(packet));
    } else {
        ++stats_.outbound;
        outer_.send(outer_address_, std::move(packet));
    }
}

void Nat::from_outside(Packet packet) {
    const auto holder = by_port_.find(packet.destination.port);
    if (holder == by_port_.end() || mappings_.at(holder->second).expires <= now()) {
        ++stats_.unmapped;
        return;
    }
    Mapping& mapping = mappings_.at(holder->second);
    const auto contact = mapping.contacted.find(seen(packet.source, behaviour_.filtering));
    if (contact == mapping.contacted.end() || contact->second <= now()) {
        ++stats_.filtered;
        return;
    }
    if (behaviour_.inbound_refreshes) {
        mapping.expires = now() + behaviour_.lifetime;
        contact->second = mapping.expires;
    }
    ++stats_.inbound;
    packet.destination = holder->second.inside;
    inner_.send(inner_address_, std::move(packet));
}

} // namespace fairlead::sim
