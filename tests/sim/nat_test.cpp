#include "sim/nat.hpp"

#include <gmock/gmock.h>
#include <tuple>

namespace fairlead::sim {
namespace {

using net::IpAddress;
using net::TransportAddress;
using testing::ElementsAre;

const IpAddress nat_outside = IpAddress::v4(203, 0, 113, 1);
const IpAddress inside_address = IpAddress::v4(192, 168, 1, 10);
const IpAddress first_remote = IpAddress::v4(198, 51, 100, 1);
const IpAddress second_remote = IpAddress::v4(198, 51, 100, 2);

// One host behind a NAT, two remote hosts, the first of which has two ports.
struct HomeNetwork {
    explicit HomeNetwork(const NatBehaviour& behaviour)
        : nat(home, IpAddress::v4(192, 168, 1, 1), internet, nat_outside, behaviour),
          a(inside.open(5000)),
          r1p1(remote1.open(7001)),
          r1p2(remote1.open(7002)),
          r2p1(remote2.open(7001)) {
        listen(*a, at_a);
        listen(*r1p1, at_remote);
        listen(*r1p2, at_remote);
        listen(*r2p1, at_remote);
    }
    static void listen(Socket& socket, std::vector<TransportAddress>& sources) {
        socket.on_receive([&](const TransportAddress& from, Bytes) { sources.push_back(from); });
    }
    // Sends one packet and lets it arrive; where it seemed to come from, if it did.
    std::optional<TransportAddress> send(Socket& from, const TransportAddress& to,
                                         std::vector<TransportAddress>& seen) {
        seen.clear();
        from.send(to, as_bytes("x"));
        simulation.run_for(1s);
        return seen.empty() ? std::nullopt : std::optional(seen.front());
    }
    std::optional<TransportAddress> out(Socket& to) { return send(*a, to.local(), at_remote); }
    bool in(Socket& from, const TransportAddress& to) { return send(from, to, at_a).has_value(); }

    Simulation simulation{11};
    Network internet{simulation};
    Network home{simulation};
    Nat nat;
    Host inside{home, inside_address};
    Host remote1{internet, first_remote};
    Host remote2{internet, second_remote};
    std::unique_ptr<Socket> a, r1p1, r1p2, r2p1;
    std::vector<TransportAddress> at_a, at_remote;
};

class EveryNat : public testing::TestWithParam<std::tuple<Dependence, Dependence>> {
protected:
    [[nodiscard]] Dependence mapping() const { return std::get<0>(GetParam()); }
    [[nodiscard]] Dependence filtering() const { return std::get<1>(GetParam()); }
    [[nodiscard]] NatBehaviour behaviour() const { return {.mapping = mapping(), .filtering = filtering()}; }
};

TEST_P(EveryNat, MapsByAsMuchOfTheRemoteEndAsItsKindSays) {
    HomeNetwork t(behaviour());
    const auto first = t.out(*t.r1p1);
    const auto other_port = t.out(*t.r1p2);
    const auto other_host = t.out(*t.r2p1);
    ASSERT_TRUE(first && other_port && other_host);
    EXPECT_EQ(first->address, nat_outside);
    EXPECT_EQ(t.out(*t.r1p1), first) << "the same remote end always sees the same mapping";
    EXPECT_EQ(*other_port == *first, mapping() != Dependence::address_and_port_dependent);
    EXPECT_EQ(*other_host == *first, mapping() == Dependence::endpoint_independent);
}

TEST_P(EveryNat, FiltersByAsMuchOfTheRemoteEndAsItsKindSays) {
    HomeNetwork t(behaviour());
    const auto outside = t.out(*t.r1p1);
    ASSERT_TRUE(outside);
    EXPECT_TRUE(t.in(*t.r1p1, *outside)) << "who was written to may answer";
    EXPECT_EQ(t.in(*t.r1p2, *outside), filtering() != Dependence::address_and_port_dependent);
    EXPECT_EQ(t.in(*t.r2p1, *outside), filtering() == Dependence::endpoint_independent);
}

TEST_P(EveryNat, ForgetsAMappingThatNobodyInsideUses) {
    HomeNetwork t(behaviour());
    const auto outside = t.out(*t.r1p1);
    ASSERT_TRUE(outside);
    t.simulation.run_for(100s);
    EXPECT_TRUE(t.in(*t.r1p1, *outside));
    t.simulation.run_for(20s);
    EXPECT_FALSE(t.in(*t.r1p1, *outside)) << "what comes from outside does not refresh";
    EXPECT_EQ(t.nat.live_mappings(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryNat,
                         testing::Combine(testing::ValuesIn(dependences), testing::ValuesIn(dependences)),
                         [](const auto& each) {
                             return std::string(describe(std::get<0>(each.param))) + "_mapping_" +
                                    std::string(describe(std::get<1>(each.param))) + "_filtering";
                         });

TEST(Nat, PacketsFromInsideKeepAMappingAlive) {
    HomeNetwork t({});
    const auto outside = t.out(*t.r1p1);
    for (int i = 0; i < 10; ++i) {
        t.simulation.run_for(100s);
        EXPECT_EQ(t.out(*t.r1p1), outside);
    }
    EXPECT_EQ(t.nat.stats().mappings_made, 1U);
}

TEST(Nat, PacketsFromOutsideKeepItAliveOnlyWhereTheyRefresh) {
    HomeNetwork t({.inbound_refreshes = true});
    const auto outside = t.out(*t.r1p1);
    ASSERT_TRUE(outside);
    for (int i = 0; i < 10; ++i) {
        t.simulation.run_for(100s);
        EXPECT_TRUE(t.in(*t.r1p1, *outside));
    }
}

TEST(Nat, KeepsThePortWhereItIsFreeAndOnlyThere) {
    HomeNetwork t({.preserves_ports = true});
    Host second(t.home, IpAddress::v4(192, 168, 1, 11));
    const auto same_port = second.open(5000);
    EXPECT_EQ(t.out(*t.r1p1), (TransportAddress{nat_outside, 5000}));
    same_port->send(t.r1p1->local(), as_bytes("x"));
    t.at_remote.clear();
    t.simulation.run_for(1s);
    ASSERT_EQ(t.at_remote.size(), 1U);
    EXPECT_EQ(t.at_remote[0].address, nat_outside);
    EXPECT_NE(t.at_remote[0].port, 5000);
}

TEST(Nat, HairpinsOnlyWhereItDoesAndShowsTheOutsideSource) {
    for (const bool hairpin : {false, true}) {
        HomeNetwork t({.filtering = Dependence::endpoint_independent, .hairpin = hairpin});
        Host second(t.home, IpAddress::v4(192, 168, 1, 11));
        const auto b = second.open(5000);
        const auto outside_a = t.out(*t.r1p1);
        ASSERT_TRUE(outside_a);
        const auto from = t.send(*b, *outside_a, t.at_a);
        EXPECT_EQ(from.has_value(), hairpin);
        if (from) {
            EXPECT_EQ(from->address, nat_outside);
        }
        EXPECT_EQ(t.nat.stats().hairpinned, hairpin ? 1U : 0U);
    }
}

TEST(Nat, NobodyOutsideReachesWhatHasNotSpokenFirst) {
    HomeNetwork t({.filtering = Dependence::endpoint_independent});
    EXPECT_FALSE(t.in(*t.r1p1, {nat_outside, 5000}));
    EXPECT_EQ(t.nat.stats().unmapped, 1U);
}

TEST(Nat, ARestartLosesMappingsAndTheNextPacketMakesANewOne) {
    HomeNetwork t({});
    const auto before = t.out(*t.r1p1);
    t.nat.forget();
    EXPECT_FALSE(t.in(*t.r1p1, *before));
    const auto after = t.out(*t.r1p1);
    ASSERT_TRUE(after);
    EXPECT_NE(*after, *before);
    EXPECT_TRUE(t.in(*t.r1p1, *after));
}

TEST(Nat, NatsStandBehindNats) {
    Simulation simulation(3);
    Network internet(simulation);
    Network carrier(simulation);
    Network home(simulation);
    const IpAddress carrier_outside = IpAddress::v4(203, 0, 113, 2);
    const Nat carrier_nat(carrier, IpAddress::v4(100, 64, 0, 1), internet, carrier_outside, {});
    const Nat home_nat(home, IpAddress::v4(192, 168, 1, 1), carrier, IpAddress::v4(100, 64, 0, 2), {});
    Host host(home, inside_address);
    Host remote(internet, first_remote);
    const auto here = host.open(5000);
    const auto there = remote.open(7001);
    std::vector<TransportAddress> at_here;
    std::vector<TransportAddress> at_there;
    HomeNetwork::listen(*here, at_here);
    there->on_receive([&](const TransportAddress& from, Bytes) {
        at_there.push_back(from);
        there->send(from, as_bytes("answer"));
    });
    here->send(there->local(), as_bytes("x"));
    simulation.run_for(1s);
    ASSERT_EQ(at_there.size(), 1U);
    EXPECT_EQ(at_there[0].address, carrier_outside);
    EXPECT_THAT(at_here, ElementsAre(there->local()));
}

TEST(Nat, RunsOutOfPortsWithoutTakingAnybodysAway) {
    Simulation simulation(3);
    Network internet(simulation);
    Network home(simulation);
    const Nat nat(home, IpAddress::v4(192, 168, 1, 1), internet, nat_outside,
                  {.mapping = Dependence::address_and_port_dependent, .first_port = 2000, .last_port = 2099});
    Host host(home, inside_address);
    Host remote(internet, first_remote);
    const auto here = host.open(5000);
    const auto send_to = [&](std::uint16_t first, std::uint16_t last) {
        for (std::uint16_t port = first; port <= last; ++port) {
            here->send({first_remote, port}, as_bytes("x"));
        }
        simulation.run_for(1s);
    };
    send_to(1, 130);
    EXPECT_EQ(nat.live_mappings(), 100U);
    EXPECT_EQ(nat.stats().ports_exhausted, 30U);
    simulation.run_for(2min); // they expire, and their ports serve others
    send_to(201, 260);
    EXPECT_EQ(nat.live_mappings(), 60U);
    EXPECT_EQ(nat.stats().ports_exhausted, 30U);
}

} // namespace
} // namespace fairlead::sim
