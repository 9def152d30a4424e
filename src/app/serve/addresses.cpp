#include "serve/addresses.hpp"

#include "process/interfaces.hpp"
#include "process/source_address.hpp"
#include "text/format.hpp"

#include <algorithm>

namespace fairlead::serve {

namespace {

// One address per family: the one that the system itself would send from, else any that is not loopback, else loopback.
void find_relays(Addresses& found, const std::vector<process::InterfaceAddress>& interfaces) {
    for (const net::Family family : {net::Family::v4, net::Family::v6}) {
        if (const auto source = process::source_address(family)) {
            found.relays.push_back({*source, *source});
            found.reasons.push_back(fmt::format("{}: the address that this machine sends from", source->to_string()));
            continue;
        }
        const auto usable = [&](bool loopback) {
            return std::ranges::find_if(interfaces, [&](const process::InterfaceAddress& i) {
                return i.address.family() == family && i.loopback == loopback;
            });
        };
        if (const auto interface = usable(false); interface != interfaces.end()) {
            found.relays.push_back({interface->address, interface->address});
            found.reasons.push_back(fmt::format("{}: address of {}; this machine has no route beyond",
                                                interface->address.to_string(), interface->interface));
        } else if (const auto loopback = usable(true); loopback != interfaces.end()) {
            found.relays.push_back({loopback->address, loopback->address});
            found.reasons.push_back(
                fmt::format("{}: this machine has no other address of its family", loopback->address.to_string()));
        }
    }
    // Loopback next to a real address of the other family serves nobody.
    if (std::ranges::any_of(found.relays, [](const auto& r) { return !r.bound.is_loopback(); })) {
        for (std::size_t i = found.relays.size(); i-- > 0;) {
            if (found.relays[i].bound.is_loopback()) {
                found.relays.erase(found.relays.begin() + static_cast<std::ptrdiff_t>(i));
                found.reasons.erase(found.reasons.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
    }
}

} // namespace

Addresses find_addresses(const config::Model& model) {
    Addresses found;
    const auto interfaces = process::interface_addresses();
    for (const auto& interface : interfaces) {
        found.own.push_back(interface.address);
    }
    if (model.relay.addresses.empty()) {
        find_relays(found, interfaces);
    } else {
        for (const net::IpAddress& address : model.relay.addresses) {
            found.relays.push_back({address, address});
            found.reasons.push_back(fmt::format("{}: configured (relay.addresses)", address.to_string()));
        }
    }
    for (std::size_t i = 0; i < found.relays.size(); ++i) {
        auto& relay = found.relays[i];
        for (const config::AddressMapping& mapping : model.advertise.relay_addresses) {
            if (mapping.advertised.family() == relay.bound.family() &&
                (!mapping.local || *mapping.local == relay.bound)) {
                relay.relayed = mapping.advertised;
                found.reasons[i] +=
                    fmt::format("; clients are told {} (advertise.relay-addresses)", mapping.advertised.to_string());
            }
        }
    }
    if (model.advertise.host) {
        found.host = *model.advertise.host;
        found.host_is_configured = true;
    } else if (!found.relays.empty()) {
        found.host = found.relays.front().relayed.to_string();
    } else {
        found.host = "localhost";
    }
    return found;
}

} // namespace fairlead::serve
