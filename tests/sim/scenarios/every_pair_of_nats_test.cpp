// Whatever stands before two people, the relay carries their call: every pair of NAT kinds, both ways that a call
// through one or two relays can go.
#include "sim/scenarios/world.hpp"

#include <tuple>

namespace fairlead::sim {
namespace {

constexpr int round_trips = 20;

class EveryPairOfNats : public testing::TestWithParam<std::tuple<Dependence, Dependence>> {
protected:
    static std::vector<NatBehaviour> kinds() {
        std::vector<NatBehaviour> all;
        for (const Dependence mapping : dependences) {
            for (const Dependence filtering : dependences) {
                all.push_back({.mapping = mapping, .filtering = filtering});
            }
        }
        return all;
    }
    [[nodiscard]] NatBehaviour callers() const {
        return {.mapping = std::get<0>(GetParam()), .filtering = std::get<1>(GetParam())};
    }
};

// Both have an allocation and a permission for the other's relayed address: relay to relay, as with two relay
// candidates.
TEST_P(EveryPairOfNats, CarryACallBetweenTwoRelays) {
    for (const NatBehaviour& callees : kinds()) {
        World world(1);
        Home alice(world, 1, callers());
        Home bob(world, 2, callees);
        alice.client.allocate();
        bob.client.allocate();
        ASSERT_TRUE(world.simulation.run_until([&] { return alice.client.allocated() && bob.client.allocated(); }, 5s));
        alice.client.permit(bob.client.relayed());
        bob.client.bind_channel(0x4000, alice.client.relayed());
        bob.client.on_data = [&](const TurnClient::Received& data) { bob.client.send(data.peer, "re: " + data.text); };
        world.simulation.run_for(2s);
        for (int i = 0; i < round_trips; ++i) {
            alice.client.send(bob.client.relayed(), std::to_string(i));
            world.simulation.run_for(200ms);
        }
        ASSERT_EQ(alice.client.received.size(), round_trips)
            << describe(callees.mapping) << describe(callees.filtering);
        for (int i = 0; i < round_trips; ++i) {
            EXPECT_EQ(alice.client.received[static_cast<std::size_t>(i)].text, "re: " + std::to_string(i));
            EXPECT_EQ(alice.client.received[static_cast<std::size_t>(i)].peer, bob.client.relayed());
        }
    }
}

// Only the caller relays; the other sends from its own socket through its own NAT to the relayed address.
TEST_P(EveryPairOfNats, CarryACallThatOnlyOneSideRelays) {
    for (const NatBehaviour& callees : kinds()) {
        World world(2);
        Home alice(world, 1, callers());
        Home bob(world, 2, callees);
        alice.client.allocate();
        ASSERT_TRUE(world.simulation.run_until([&] { return alice.client.allocated(); }, 5s));
        const net::TransportAddress relayed = alice.client.relayed();
        // The address is known from signaling, the port that Bob's NAT will show to the relay is not: a permission has
        // none.
        alice.client.permit({bob.nat.outer_address(), 9});
        world.simulation.run_for(2s);
        alice.client.on_data = [&](const TurnClient::Received& data) {
            alice.client.send(data.peer, "re: " + data.text);
        };
        for (int i = 0; i < round_trips; ++i) {
            bob.client.send_directly(relayed, std::to_string(i));
            world.simulation.run_for(200ms);
        }
        ASSERT_EQ(bob.client.received.size(), round_trips) << describe(callees.mapping) << describe(callees.filtering);
        EXPECT_EQ(bob.client.received.back().text, "re: " + std::to_string(round_trips - 1));
        EXPECT_EQ(bob.client.received.back().peer, relayed);
    }
}

TEST_P(EveryPairOfNats, LetNothingThroughThatHasNoPermission) {
    World world(3);
    Home alice(world, 1, callers());
    Home stranger(world, 2, {.filtering = Dependence::endpoint_independent});
    alice.client.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return alice.client.allocated(); }, 5s));
    stranger.client.send_directly(alice.client.relayed(), "unasked");
    alice.client.send({stranger.nat.outer_address(), 5000}, "without permission");
    world.simulation.run_for(2s);
    EXPECT_TRUE(alice.client.received.empty());
    EXPECT_TRUE(stranger.client.received.empty());
    const auto& relay = world.server.machine().stats().relay;
    EXPECT_EQ(relay.from_peer_dropped[static_cast<std::size_t>(turn::DropReason::no_permission)].value(), 1U);
    EXPECT_EQ(relay.from_client_dropped[static_cast<std::size_t>(turn::DropReason::no_permission)].value(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Callers, EveryPairOfNats,
                         testing::Combine(testing::ValuesIn(dependences), testing::ValuesIn(dependences)),
                         [](const auto& each) {
                             return std::string(describe(std::get<0>(each.param))) + "_mapping_" +
                                    std::string(describe(std::get<1>(each.param))) + "_filtering";
                         });

// Two people behind one carrier's NAT that does not hairpin, each behind a NAT of their own.
TEST(NeighboursBehindOneCarrier, TalkThroughTheRelayWhatTheCarrierWouldNotTurnAround) {
    World world(4);
    Network carrier(world.simulation);
    const Nat carrier_nat(carrier, net::IpAddress::v4(100, 64, 0, 1), world.internet, household(1),
                          {.mapping = Dependence::address_and_port_dependent});
    struct Flat {
        Flat(World& world, Network& carrier, std::uint8_t number)
            : network(world.simulation),
              nat(network, gateway_address, carrier, net::IpAddress::v4(100, 64, 1, number), {}),
              host(network, home_address),
              client(host, world.server.address(), client_of(std::to_string(number))) {}
        Network network;
        Nat nat;
        Host host;
        TurnClient client;
    };
    Flat alice(world, carrier, 1);
    Flat bob(world, carrier, 2);
    alice.client.allocate();
    bob.client.allocate();
    ASSERT_TRUE(world.simulation.run_until([&] { return alice.client.allocated() && bob.client.allocated(); }, 5s));
    EXPECT_EQ(alice.client.mapped->address, household(1));
    alice.client.bind_channel(0x4001, bob.client.relayed());
    bob.client.bind_channel(0x4001, alice.client.relayed());
    world.simulation.run_for(2s);
    alice.client.send(bob.client.relayed(), "hello");
    bob.client.send(alice.client.relayed(), "hi");
    world.simulation.run_for(1s);
    ASSERT_EQ(alice.client.received.size(), 1U);
    ASSERT_EQ(bob.client.received.size(), 1U);
    EXPECT_TRUE(alice.client.received[0].by_channel);
    EXPECT_EQ(bob.client.received[0].text, "hello");
}

} // namespace
} // namespace fairlead::sim
