// A failure that a seed produced can be produced again: every packet of a run, and its fate, follows from the seed.
#include "sim/scenarios/world.hpp"

namespace fairlead::sim {
namespace {

struct Digest {
    std::uint64_t trace;
    std::uint64_t events;
    friend bool operator==(const Digest&, const Digest&) = default;
};

Digest run(std::uint64_t seed) {
    World world(seed);
    const Link link = symmetric({.delay = 20ms, .jitter = 40ms, .loss = 0.1, .duplicate = 0.05, .corrupt = 0.01});
    std::vector<std::unique_ptr<Home>> homes;
    for (std::size_t i = 0; i < 20; ++i) {
        homes.push_back(std::make_unique<Home>(world, i, NatBehaviour{.lifetime = 10min}, link));
        homes.back()->client.allocate();
    }
    world.simulation.run_for(1min);
    for (std::size_t i = 0; i + 1 < homes.size(); i += 2) {
        TurnClient& a = homes[i]->client;
        TurnClient& b = homes[i + 1]->client;
        if (a.allocated() && b.allocated()) {
            a.bind_channel(0x4000, b.relayed());
            b.permit(a.relayed());
            b.on_data = [&b](const TurnClient::Received& data) { b.send(data.peer, data.text); };
        }
    }
    for (int i = 0; i < 30; ++i) {
        world.simulation.run_for(1min);
        for (std::size_t home = 0; home + 1 < homes.size(); home += 2) {
            if (homes[home + 1]->client.allocated()) {
                homes[home]->client.send(homes[home + 1]->client.relayed(), "still here");
            }
        }
    }
    return {world.simulation.trace_hash(), world.simulation.events()};
}

TEST(SameSeed, MakesTheSameRunPacketForPacket) {
    const Digest first = run(2024);
    EXPECT_GT(first.events, 5000U) << "the run is too short to prove anything";
    EXPECT_EQ(run(2024), first);
}

TEST(SameSeed, AndAnotherSeedMakesAnotherRun) {
    EXPECT_NE(run(1).trace, run(2).trace);
}

} // namespace
} // namespace fairlead::sim
