#include "cli/commands.hpp"
#include "process/interfaces.hpp"
#include "relay/peer_policy.hpp"

#include <ostream>

namespace fairlead::cli {

namespace {

relay::PeerPreset preset(config::PeerPreset policy) {
    switch (policy) {
    case config::PeerPreset::public_only:
        return relay::PeerPreset::public_only;
    case config::PeerPreset::any:
        return relay::PeerPreset::any;
    case config::PeerPreset::list:
        return relay::PeerPreset::list;
    }
    return relay::PeerPreset::public_only;
}

/// The policy of a server on this machine that has no allocations yet.
relay::PeerPolicyOptions policy_of(const config::Model& model) {
    relay::PeerPolicyOptions options;
    options.preset = preset(model.relay.peers.policy);
    options.allow = model.relay.peers.allow;
    options.deny = model.relay.peers.deny;
    options.lowest_port = static_cast<std::uint16_t>(model.relay.peers.lowest_port);
    for (const auto* listeners :
         {&model.listen.turn, &model.listen.turn_tls, &model.listen.http, &model.listen.https, &model.listen.admin}) {
        options.services.insert(options.services.end(), listeners->begin(), listeners->end());
    }
    for (const auto& interface : process::interface_addresses()) {
        options.own_addresses.push_back(interface.address);
    }
    options.relay_addresses = model.relay.addresses.empty() ? options.own_addresses : model.relay.addresses;
    for (const auto& mapping : model.advertise.relay_addresses) {
        options.relay_addresses.push_back(mapping.advertised);
    }
    return options;
}

} // namespace

int check_peer(const config::Sources& sources, const std::string& peer, const Surroundings& surroundings) {
    const auto address = net::IpAddress::parse(peer);
    const auto transport_address = net::TransportAddress::parse(peer);
    if (!address && !transport_address) {
        surroundings.err << '"' << peer
                         << "\" is neither an address nor address:port; a name is looked up by the client, not by the "
                            "server\n";
        return exit_code::usage;
    }
    const auto loaded = load_or_tell(sources, surroundings);
    if (!loaded) {
        return exit_code::usage;
    }
    const relay::PeerPolicy policy(policy_of(loaded->model));
    const auto judgement = address ? policy.judge(*address) : policy.judge(*transport_address);
    surroundings.out << judgement.explain(address ? *address : transport_address->address) << '\n';
    return judgement.allowed() ? exit_code::ok : exit_code::failed;
}

} // namespace fairlead::cli
