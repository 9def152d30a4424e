#include "sim/network.hpp"

#include <gmock/gmock.h>
#include <set>

namespace fairlead::sim {
namespace {

using net::IpAddress;
using net::TransportAddress;
using testing::ElementsAre;

const IpAddress alice_address = IpAddress::v4(192, 0, 2, 1);
const IpAddress bob_address = IpAddress::v4(192, 0, 2, 2);

// Two hosts; what arrives at Bob is kept with the time it took.
struct TwoHosts {
    explicit TwoHosts(const Quality& uplink, std::uint64_t seed = 7)
        : simulation(seed),
          network(simulation),
          alice(network, alice_address, {.up = uplink, .down = {}}),
          bob(network, bob_address),
          from(alice.open(5000)),
          to(bob.open(6000)) {
        to->on_receive([this](const TransportAddress& source, Bytes payload) {
            EXPECT_EQ(source, from->local());
            arrived.emplace_back(as_text(payload));
        });
    }
    void send(std::string_view text) { from->send(to->local(), as_bytes(text)); }
    void send_numbered(int count, Duration apart) {
        for (int i = 0; i < count; ++i) {
            simulation.after(i * apart, [this, i] { send(std::to_string(i)); });
        }
        simulation.run_for(count * apart + 1min);
    }

    Simulation simulation;
    Network network;
    Host alice;
    Host bob;
    std::unique_ptr<Socket> from;
    std::unique_ptr<Socket> to;
    std::vector<std::string> arrived;
};

// The longest run of numbers missing between two that arrived.
int longest_gap(const std::vector<std::string>& arrived) {
    int longest = 0;
    int expected = 0;
    for (const std::string& text : arrived) {
        longest = std::max(longest, std::stoi(text) - expected);
        expected = std::stoi(text) + 1;
    }
    return longest;
}

TEST(Network, PacketTakesTheSumOfBothDelays) {
    TwoHosts t({.delay = 30ms});
    t.send("hello");
    t.simulation.run_for(34ms);
    EXPECT_TRUE(t.arrived.empty());
    t.simulation.run_for(1ms); // 30 up, 5 down
    EXPECT_THAT(t.arrived, ElementsAre("hello"));
}

TEST(Network, LossIsAsFrequentAsAsked) {
    TwoHosts t({.loss = 0.1});
    t.send_numbered(20'000, 1ms);
    EXPECT_NEAR(static_cast<double>(t.arrived.size()), 18'000, 300);
    EXPECT_EQ(t.network.stats().lost + t.arrived.size(), 20'000U);
    EXPECT_LT(longest_gap(t.arrived), 7);
}

TEST(Network, BurstsKeepTheLossAndLoseManyInARow) {
    TwoHosts t({.loss = 0.1, .loss_burst = 20ms});
    t.send_numbered(50'000, 1ms);
    EXPECT_NEAR(static_cast<double>(t.arrived.size()), 45'000, 1'500);
    EXPECT_GT(longest_gap(t.arrived), 20);
}

TEST(Network, JitterReordersAndLosesNothing) {
    TwoHosts t({.delay = 10ms, .jitter = 20ms});
    t.send_numbered(1000, 1ms);
    EXPECT_EQ(t.arrived.size(), 1000U);
    EXPECT_FALSE(std::ranges::is_sorted(t.arrived, {}, [](const std::string& text) { return std::stoi(text); }));
}

TEST(Network, DuplicatesArriveTwice) {
    TwoHosts t({.duplicate = 0.25});
    t.send_numbered(4000, 1ms);
    EXPECT_NEAR(static_cast<double>(t.arrived.size()), 5000, 150);
    EXPECT_EQ(std::set<std::string>(t.arrived.begin(), t.arrived.end()).size(), 4000U);
}

TEST(Network, CorruptionFlipsOneBitAndTruncationShortens) {
    TwoHosts flipped({.corrupt = 1});
    const std::string sent(100, 'a');
    flipped.send(sent);
    flipped.simulation.run_for(1s);
    ASSERT_EQ(flipped.arrived.size(), 1U);
    int bits = 0;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        bits += std::popcount(static_cast<unsigned char>(sent[i] ^ flipped.arrived[0][i]));
    }
    EXPECT_EQ(bits, 1);

    TwoHosts cut({.truncate = 1});
    cut.send(sent);
    cut.simulation.run_for(1s);
    ASSERT_EQ(cut.arrived.size(), 1U);
    EXPECT_LT(cut.arrived[0].size(), sent.size());
}

TEST(Network, NobodyGetsWhatIsForAnAddressThatIsNotThere) {
    TwoHosts t({});
    t.from->send({IpAddress::v4(198, 51, 100, 1), 6000}, as_bytes("x"));
    t.from->send({bob_address, 6001}, as_bytes("closed port"));
    t.simulation.run_for(1s);
    EXPECT_TRUE(t.arrived.empty());
    EXPECT_EQ(t.network.stats().unroutable, 1U);
}

TEST(Host, OpensEachPortOnceAndFreesItWithTheSocket) {
    Simulation simulation(1);
    Network network(simulation);
    Host host(network, alice_address);
    auto socket = host.open(5000);
    ASSERT_NE(socket, nullptr);
    EXPECT_EQ(host.open(5000), nullptr);
    const auto ephemeral = host.open();
    ASSERT_NE(ephemeral, nullptr);
    EXPECT_GE(ephemeral->local().port, 32768);
    socket.reset();
    EXPECT_NE(host.open(5000), nullptr);
    EXPECT_EQ(host.open_sockets(), 1U);
}

TEST(Host, MovesToAnotherAddressWithItsPortsAndLosesWhatWasUnderWay) {
    TwoHosts t({});
    Network mobile(t.simulation);
    std::vector<std::string> at_alice;
    t.from->on_receive([&](const TransportAddress&, Bytes payload) { at_alice.emplace_back(as_text(payload)); });
    t.to->send(t.from->local(), as_bytes("to the old address"));
    const IpAddress new_address = IpAddress::v4(203, 0, 113, 9);
    t.alice.move(t.network, new_address);
    t.simulation.run_for(1s);
    EXPECT_TRUE(at_alice.empty());
    EXPECT_EQ(t.from->local(), (TransportAddress{new_address, 5000}));
    t.send("from the new one");
    t.simulation.run_for(1s);
    t.to->send(t.from->local(), as_bytes("to the new one"));
    t.simulation.run_for(1s);
    EXPECT_THAT(t.arrived, ElementsAre("from the new one"));
    EXPECT_THAT(at_alice, ElementsAre("to the new one"));
}

TEST(Host, SpeaksBothFamilies) {
    Simulation simulation(1);
    Network network(simulation);
    Host alice(network, alice_address);
    Host bob(network, bob_address);
    const auto six = [](std::uint8_t last) {
        std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
        bytes[15] = last;
        return IpAddress::v6(bytes);
    };
    alice.add_address(six(1));
    bob.add_address(six(2));
    const auto from = alice.open(six(1), 5000);
    const auto to = bob.open(six(2), 6000);
    int count = 0;
    to->on_receive([&](const TransportAddress& source, Bytes) { count += source == from->local() ? 1 : 0; });
    from->send(to->local(), as_bytes("x"));
    simulation.run_for(1s);
    EXPECT_EQ(count, 1);
}

TEST(Replay, TheSameSeedMakesTheSameRunAndAnotherSeedAnotherOne) {
    const auto run = [](std::uint64_t seed) {
        TwoHosts t({.jitter = 20ms, .loss = 0.2, .duplicate = 0.1, .corrupt = 0.1}, seed);
        t.send_numbered(500, 2ms);
        return t.simulation.trace_hash();
    };
    EXPECT_EQ(run(42), run(42));
    EXPECT_NE(run(42), run(43));
}

} // namespace
} // namespace fairlead::sim
