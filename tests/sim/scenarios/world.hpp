#pragma once

#include "sim/nat.hpp"
#include "sim/turn.hpp"

#include <gtest/gtest.h>

namespace fairlead::sim {

// Where things are in the scenarios: the TURN server on the internet, people at home behind NATs.
inline const net::IpAddress server_address = net::IpAddress::v4(192, 0, 2, 1);
inline const net::IpAddress gateway_address = net::IpAddress::v4(192, 168, 1, 1);
inline const net::IpAddress home_address = net::IpAddress::v4(192, 168, 1, 10);

/// 198.18.0.0/15 is for benchmarks: enough addresses for every household.
[[nodiscard]] inline net::IpAddress household(std::size_t number) {
    return net::IpAddress::v4(198, static_cast<std::uint8_t>(18 + number / 65536),
                              static_cast<std::uint8_t>(number / 256), static_cast<std::uint8_t>(number));
}

/// The internet with a TURN server on it.
struct World {
    explicit World(std::uint64_t seed, const TurnServerOptions& options = {})
        : simulation(seed), server(server_host, options) {}

    Simulation simulation;
    Network internet{simulation};
    Host server_host{internet, server_address};
    TurnServer server;
};

/// A home network with one computer behind a NAT, and a TURN client on it.
struct Home {
    Home(World& world, std::size_t number, const NatBehaviour& behaviour, const Link& link = {})
        : Home(world, number, behaviour, link, client_of("user " + std::to_string(number))) {}
    Home(World& world, std::size_t number, const NatBehaviour& behaviour, const Link& link,
         const turn::ClientConfig& user)
        : network(world.simulation),
          nat(network, gateway_address, world.internet, household(number), behaviour, link),
          host(network, home_address),
          client(host, world.server.address(), user) {}

    Network network;
    Nat nat;
    Host host;
    TurnClient client;
};

/// What must be true at every moment.
inline void expect_conserved(TurnServer& server) {
    ASSERT_EQ(server.free_ports() + server.open_relays(), server.ports());
    ASSERT_EQ(server.quota_held(), server.open_relays()) << "one unit for each relayed address";
    ASSERT_GE(server.open_relays(), server.machine().allocation_count());
}

/// What must be true when everybody has gone and their lifetimes are over.
inline void expect_nothing_left(TurnServer& server) {
    EXPECT_EQ(server.machine().allocation_count(), 0U);
    EXPECT_EQ(server.open_relays(), 0U);
    EXPECT_EQ(server.free_ports(), server.ports());
    EXPECT_EQ(server.quota_held(), 0U);
    std::size_t ended = 0;
    for (const auto& [reason, count] : server.seen().ended) {
        ended += count;
    }
    EXPECT_EQ(ended, server.seen().created);
    EXPECT_EQ(server.machine().stats().allocations.value(), 0U);
    EXPECT_EQ(server.machine().stats().reservations.value(), 0U);
    EXPECT_EQ(server.machine().next_timeout(), never) << "nothing left to wait for";
}

} // namespace fairlead::sim
